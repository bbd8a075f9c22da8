"""Sharpening."""
