"""Each of Kafka's transforms alone, and a chain, from bytes to bytes: here in rows and columns, and on the JVM."""
