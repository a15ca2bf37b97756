"""Which table and which columns a record goes to."""
