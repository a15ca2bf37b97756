"""Records as typed columns, before any database."""
