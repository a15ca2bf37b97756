"""Dead letters that go the way of their connector once more, or back to the topic of their records."""
