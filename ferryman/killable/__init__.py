"""Processes for what may take without end: code and patterns of users, which are killed and not waited for."""
