"""The bounds and the pace of a sink that is a run."""
