"""Which class a name in a config means."""
