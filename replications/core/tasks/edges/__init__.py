"""Boundaries between semantic classes."""
