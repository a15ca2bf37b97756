"""The processes of tasks, connectors and readers of source offsets, as their worker has them: one after the other,
told, heard and ended."""
