"""The verbs of commands that are nouns: a folder for each noun, a file for each verb."""
