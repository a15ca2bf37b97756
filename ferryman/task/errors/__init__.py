"""What is done about data errors: tolerance, and dead letters."""
