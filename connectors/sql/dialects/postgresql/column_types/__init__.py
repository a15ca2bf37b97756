"""What types the columns of PostgreSQL have, and what each can hold."""
