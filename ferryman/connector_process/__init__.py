"""The process that runs a connector's own code: asks it for its tasks' configs, once or for as long as it runs."""
