"""Pictures of streets and texts, side by side: a dataset of two parts."""
