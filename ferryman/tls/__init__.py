"""TLS as Java's settings describe it: keystores, truststores, protocols, cipher suites, for Python's ssl."""
