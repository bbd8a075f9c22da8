"""Layers that are edited: views of logs, with one undo for all of them."""
