"""Picking."""
