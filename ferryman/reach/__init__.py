"""The way to a server that a config names, walked for a look that says where it ends."""
