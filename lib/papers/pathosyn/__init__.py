"""PathoSyn: brain MRI, lesions as deviations from what lies behind them."""
