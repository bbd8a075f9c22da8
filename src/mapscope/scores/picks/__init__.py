"""Picks held against where particles truly are: which were found, and as what."""
