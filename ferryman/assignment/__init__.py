"""Who in a group of workers runs what: the bytes members exchange, and how a leader decides."""
