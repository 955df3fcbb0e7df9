"""AdaShare, replicated: which blocks of one network a task goes through is learned."""
