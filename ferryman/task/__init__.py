"""The data plane: one process, one task."""
