"""Sentences: what datasets of text have in common."""
