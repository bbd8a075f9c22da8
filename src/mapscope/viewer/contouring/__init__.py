"""Contour surfaces of maps in a viewer: made beside the window, coloured, with their colour bar."""
