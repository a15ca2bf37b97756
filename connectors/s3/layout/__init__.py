"""Which object a record goes to, when it is closed, and what lies beside it."""
