"""The way to Kafka: brokers, topics, rights, transactions."""
