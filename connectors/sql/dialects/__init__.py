"""What the sink must know about a database, and one folder for each database."""
