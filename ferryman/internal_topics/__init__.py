"""The topics that a group of workers keeps its configs, offsets and statuses in: made, read to the end, written."""
