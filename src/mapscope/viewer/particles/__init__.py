"""Particles in the view: points, their axes, and copies of a template where they are."""
