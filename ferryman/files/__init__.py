"""Which files configs may name; JSON and YAML that people write."""
