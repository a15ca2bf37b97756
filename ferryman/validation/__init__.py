"""What is said about a config before anything starts: checks, and the answers of /validate."""
