"""What a worker asks of plugins' code, which it never runs itself."""
