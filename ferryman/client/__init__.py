"""A worker that runs somewhere, ours or Kafka Connect's, as commands ask it: over its REST API."""
