"""Kafka Connect's predicates, one file each."""
