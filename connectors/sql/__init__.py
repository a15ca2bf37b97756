"""The SQL sink."""
