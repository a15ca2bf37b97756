"""The control plane: what REST may ask, task processes, offsets."""
