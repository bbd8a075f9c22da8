"""Structures in the view: ribbons, sticks and colours, and going from residue to residue."""
