"""The replications: one folder per paper, and `core`, what they share."""
