"""PA-VAE: chest radiographs, a classifier from few labels."""
