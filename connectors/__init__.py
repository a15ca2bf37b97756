"""One folder a system; its ``sink.py`` and ``source.py`` are the plugins."""
