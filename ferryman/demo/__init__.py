"""The demo: real payments through real systems, with a ledger at the end."""
