"""Standalone mode: facts and statuses in memory, the worker, and a single run without REST."""
