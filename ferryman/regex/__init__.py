"""Regular expressions out of configs: Java's, and none of them can hold a process up."""
