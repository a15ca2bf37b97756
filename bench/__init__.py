"""Benchmarks: Kafka Connect on the JVM and Ferryman side by side, with the same files, broker, topics and machine."""
