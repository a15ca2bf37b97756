"""Ferryman: a drop-in Kafka Connect in Python."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("ferryman")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0.0.0"
