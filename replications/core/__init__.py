"""What the replications share: data, tasks, nets, weighting, engine, evidence, from the ground up."""
