"""One file a transform, named as Kafka names it."""
