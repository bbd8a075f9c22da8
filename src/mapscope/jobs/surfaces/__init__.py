"""Surfaces."""
