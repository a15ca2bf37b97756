"""JSON without a schema as columns, where objects are alike."""
