"""Distributed mode: facts and statuses in Kafka, the work shared with other workers of the group."""
