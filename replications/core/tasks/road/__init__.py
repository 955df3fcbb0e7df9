"""Road against everything else."""
