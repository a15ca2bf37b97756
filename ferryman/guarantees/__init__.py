"""What is guaranteed of a connector, what is not, and the tests that prove it."""
