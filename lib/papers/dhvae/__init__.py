"""dHVAE: brain MRI and head-and-neck PET, image and mask together."""
