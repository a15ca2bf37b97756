"""``ferryman contexts``, verb by verb."""
