"""Imported by the forkserver before it forks: all plugins with their libraries, so that a task starts at once."""

from ferryman import plugins

for _kind in plugins.ROOTS:
    plugins.installed(_kind)
