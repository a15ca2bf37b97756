"""Bytes to rows or columns and back, one folder a format; no config, no registry."""
