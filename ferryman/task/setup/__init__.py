"""What a task starts with: its spec, its configs taken apart, the pipe to its worker, crash points."""
