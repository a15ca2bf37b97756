"""REST: routes, what they do, and the JSON of their answers."""
