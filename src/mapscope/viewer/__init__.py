"""Mapscope in napari: readers, writers, forms and docks. No science lives here."""
