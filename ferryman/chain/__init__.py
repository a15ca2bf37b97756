"""A task's steps: parsed from a config, built, run, narrowed down to a guilty record; by columns or by rows."""
