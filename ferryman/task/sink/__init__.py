"""A sink task: poll, chain, put, commit."""
