"""What becomes of the connectors of a running Kafka Connect."""
