"""What the replications share, from the ground up: data to evidence."""
