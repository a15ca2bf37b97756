"""``ferryman connectors``, verb by verb."""
