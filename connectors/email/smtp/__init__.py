"""The way to the mail server: connections, their pool, and what its answers mean."""
