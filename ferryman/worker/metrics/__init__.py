"""What a worker serves under /metrics: its own series, and those that its tasks have sent."""
