"""Where source offsets are stored, and in which bytes."""
