"""Particles in tomograms: finding, sifting, looking at and averaging them."""
