"""Session, tables and rights, the offsets table, and the loads of a poll."""
