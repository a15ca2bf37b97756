"""Debezium's transforms, and what only they share."""
