"""The keys, the rules between them, and which dialect a URL means."""
