"""Imported by the forkserver before it forks: all plugins with their libraries, so that a task starts at once."""

from ferryman.plugins import catalog

for _kind in catalog.ROOTS:
    catalog.installed(_kind)
