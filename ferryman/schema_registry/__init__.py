"""The schema registry: its client, keys, TLS and names of subjects."""
