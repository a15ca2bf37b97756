"""`ferryman doctor`: checks the systems of configs before anything runs, each in a process that may hang."""
