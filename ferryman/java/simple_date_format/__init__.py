"""java.text.SimpleDateFormat in UTC and US English: patterns compiled to functions, parsing lenient as Java's."""
