"""The stack's servers, one file each, and the processes that they run in."""
