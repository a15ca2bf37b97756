"""What is known of connectors: the records of Kafka Connect's internal topics, and what they add up to."""
