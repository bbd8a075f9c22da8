"""Ways of looking: slabs, linked slices, scale bar, two maps compared, pictures and movies."""
