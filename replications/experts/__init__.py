"""Mixtures of experts (MMoE, 2018; CGC, 2020)."""
