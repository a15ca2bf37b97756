"""Avro schemas as Connect means them: read, and written from ours, with names, properties and defaults."""
