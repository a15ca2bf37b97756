"""A source task: poll, chain, send, commit."""
