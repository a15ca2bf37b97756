"""Requests to S3."""
