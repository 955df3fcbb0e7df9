"""Deep multi-task representation learning by tensor factorisation, replicated."""
