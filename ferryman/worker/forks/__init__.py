"""The server that forks processes, and what it forks."""
