"""What Java does and configs rely on: dates, patterns, numbers, property files, texts of values."""
