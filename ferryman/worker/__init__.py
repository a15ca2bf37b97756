"""The control plane: what REST may ask, leases, the pool for what waits; the rest in folders by subject."""
