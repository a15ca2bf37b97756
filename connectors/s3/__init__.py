"""The S3 sink, which writes objects, and the S3 source, which reads them back."""
