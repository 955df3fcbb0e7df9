"""How many words and letters are known, to datasets and encoders alike; free of torch."""

VOCABULARY = 4000
"""Ids of words: 0 none, 1 one that is not known."""
LETTERS = 98
"""Ids of letters: 0 none, 1 one that is not known, then those of ASCII that can be seen."""
