"""A sink that is a run: its bounds, what it refused, the letters that it replays, and the live connector that it gives
way to."""
