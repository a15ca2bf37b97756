"""What the commands that run a worker have in common."""
