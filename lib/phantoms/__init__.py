"""Procedural phantoms: sample parameters from a law, then render them."""
