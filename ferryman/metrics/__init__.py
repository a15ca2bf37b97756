"""Metrics for Prometheus: which there are, how figures over time are kept, and the text that is served."""
