"""The weightings of the paper, and the bargaining solution they stand on."""
