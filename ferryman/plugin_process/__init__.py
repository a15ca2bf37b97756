"""The process that a worker has plugins' code run in where no task or connector runs: it is asked, and answers."""
