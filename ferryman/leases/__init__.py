"""Until when tasks and connectors may act on other systems."""
