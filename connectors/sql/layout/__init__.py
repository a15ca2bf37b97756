"""Which columns a record has, and whether it can be a row of its table."""
