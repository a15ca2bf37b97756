"""Dead letters read again: what was refused, by whom, why, and where it lies."""
