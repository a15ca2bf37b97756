"""The bounds of a sink that is a run."""
