"""What must be true when the demo ends, and the ledger that compares."""
