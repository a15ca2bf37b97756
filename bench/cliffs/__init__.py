"""Cliffs: what makes records slow although they mean the same, row by row, sink by sink, beside Kafka Connect."""
