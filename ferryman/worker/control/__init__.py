"""Desired state in, processes out: what should run here, the one loop that brings it there, and
what REST asks."""
