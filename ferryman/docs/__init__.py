"""Makes the reference pages from the classes."""
