"""One training loop for single- and multi-task alike, and what it leaves in a run folder."""
