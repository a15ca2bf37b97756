"""The keys, the rules between them, URLs and names."""
