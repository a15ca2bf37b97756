"""One file a predicate."""
