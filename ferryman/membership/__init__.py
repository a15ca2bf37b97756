"""A worker's place in its group: joining, rebalancing, the session with the coordinator, leaving."""
