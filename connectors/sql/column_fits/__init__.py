"""What becomes of a value in a column of another type: it is stored as it is, or refused."""
