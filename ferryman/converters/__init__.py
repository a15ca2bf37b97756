"""One file a converter, named as Kafka names it."""
