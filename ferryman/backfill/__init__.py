"""Makes runs: from what was asked for and a live connector's config to the config of a connector with bounds."""
