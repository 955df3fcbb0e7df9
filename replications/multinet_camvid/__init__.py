"""Replication of MultiNet (Teichmann et al., IV 2018) on photographs."""
