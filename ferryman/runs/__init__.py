"""Runs: parts of topics' histories that are read again beside a live connector, or instead of one."""
