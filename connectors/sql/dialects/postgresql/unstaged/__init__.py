"""Rows that get into their tables without a staging table: as literals, or as arrays."""
