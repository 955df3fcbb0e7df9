"""One file per task: the width of its head, its loss, its metrics and which way is better."""
