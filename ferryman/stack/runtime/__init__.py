"""Programs as processes: downloads, ports, start and end."""
