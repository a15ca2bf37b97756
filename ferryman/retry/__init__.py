"""How long to wait, and what is asked again."""
