"""Session, tables, the offsets table, errors, and the transaction of a poll."""
