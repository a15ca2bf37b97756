"""The embedded world for demos, tests and laptops: real systems on 127.0.0.1, without Docker, Java or root."""
