"""What judges a map, a model in it, and how well two of them agree."""
