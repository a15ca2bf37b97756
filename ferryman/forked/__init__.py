"""What all processes have in common that are forked for a worker: their beginning, and the line to the worker."""
