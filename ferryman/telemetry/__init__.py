"""What is written for operators, and what may not be shown to them."""
