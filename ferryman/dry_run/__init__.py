"""A config tried without Kafka: its plan explained, its transforms run on sample lines."""
