"""Imported by the forkserver before any task process: all plugins with their libraries, so that a task starts in milliseconds."""

from ferryman import plugins

for _kind in plugins.ROOTS:
    plugins.installed(_kind)
