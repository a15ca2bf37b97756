"""java.util.regex: its patterns read, and written again for other engines."""
