"""The process that reads a topic of source offsets, once for all of a worker's tasks that have the same client."""
