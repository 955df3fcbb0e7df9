"""What is asked of every word of a sentence."""
