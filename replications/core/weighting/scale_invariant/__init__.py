"""Scale-invariant weighting."""
