"""Replication of sparse sharing on language, as its paper has it (Sun et al., AAAI 2020)."""
