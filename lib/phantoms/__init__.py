"""Procedural phantoms (chest, brain, neck): sample parameters from a law, then render them."""
