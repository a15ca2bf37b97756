"""What a restore reads: the archive's objects, in order, and the records in them."""
