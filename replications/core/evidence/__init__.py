"""From run folders to claims: tidy tables, delta_m, verdicts, LaTeX tables and figures."""
