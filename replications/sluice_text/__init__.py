"""Replication of sluice networks on language, as their paper has them (Ruder et al., AAAI 2019)."""
