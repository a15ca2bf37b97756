"""Imported by the forkserver before it forks: all plugins and their libraries, so that a task starts in milliseconds."""

from ferryman import plugins

for _kind in plugins.ROOTS:
    plugins.installed(_kind)
