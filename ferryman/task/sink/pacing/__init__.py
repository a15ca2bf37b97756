"""How much a sink is given at once, and when."""
