"""What a database must tell the sink about itself, and one folder for each database that does."""
