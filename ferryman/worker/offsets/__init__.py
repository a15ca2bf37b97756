"""The offsets of connectors, and of their runs: read and changed."""
