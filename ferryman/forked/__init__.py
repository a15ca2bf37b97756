"""What every process has in common that a worker has had forked: its beginning, and the line to its worker."""
