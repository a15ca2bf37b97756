"""The files that configs of connectors name."""
