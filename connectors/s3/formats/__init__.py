"""What objects are made of."""
