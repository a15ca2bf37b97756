"""Invented records."""
