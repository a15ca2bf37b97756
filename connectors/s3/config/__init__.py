"""The keys, and what objects are called."""
