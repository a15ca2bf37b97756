"""What a task counts about itself, and how its worker gets to know."""
