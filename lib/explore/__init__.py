"""Explorers: pictures that a reader moves, without a kernel, a network or a server."""
