"""Which connectors of a running Kafka Connect would run here."""
