"""What a task was at work on when its process crashed, and which records were found guilty."""
