"""PathoSyn (planned): its claims are in the ledger."""
