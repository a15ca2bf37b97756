"""A worker's settings: keys, property files, environment, config providers."""
