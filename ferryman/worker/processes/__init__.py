"""The processes of tasks and connectors, as their worker has them: one after the other, told, heard and ended."""
