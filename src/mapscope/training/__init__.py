"""What networks learn from: the corpus of structures, the one split, and windows of them."""
