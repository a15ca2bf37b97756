"""JSON, plain and in JsonConverter's envelope: schemas, rows and columns."""
