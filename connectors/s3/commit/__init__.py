"""Exactly once: files in the making, manifests, recovery."""
