"""Tables of results: their rows, the curves that are drawn of them, and going to a residue."""
