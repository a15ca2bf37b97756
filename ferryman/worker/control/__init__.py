"""Desired state in, processes out: what should run here, and the one loop that brings it there."""
