"""What a run leaves out of a live connector's table: what later records have overtaken (``ferryman.run.fold``)."""
