"""The types of columns in MariaDB and MySQL: which a value gets, and which values one takes."""
