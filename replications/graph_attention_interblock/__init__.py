"""What each task hears of every block of one encoder: graph attention between blocks."""
