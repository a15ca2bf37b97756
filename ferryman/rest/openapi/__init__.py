"""The description of the REST API in OpenAPI's words, made from its table of endpoints."""
