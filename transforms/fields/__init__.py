"""What transforms do with the fields of a key or value: paths, casts, times, checks."""
