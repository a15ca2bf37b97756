"""What the demo reads of Kafka, the warehouse, the archive and the mailbox."""
