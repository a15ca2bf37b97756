"""Standalone mode: its herder and its process."""
