"""NAME, replicated."""
