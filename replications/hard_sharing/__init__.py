"""Hard sharing, replicated: one trunk, a head for each task."""
