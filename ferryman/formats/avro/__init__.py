"""Avro: its schemas as Connect's and back, its bytes as rows or columns and back."""
