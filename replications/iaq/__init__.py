"""Bits where a vision transformer looks: importance-aware quantisation of patches."""
