"""Fitting and hand."""
