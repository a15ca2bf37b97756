"""Exactly once: open files, commits, recovery; the truth is a manifest in the bucket, or the group's offsets."""
