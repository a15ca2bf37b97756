"""``ferryman dlq``, verb by verb."""
