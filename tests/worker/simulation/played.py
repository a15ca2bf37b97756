"""To be imported before anything of ours: from here on threads and clocks are played.

What needs the real ones while it is imported is imported here.
"""

# ruff: noqa: F401
import concurrent.futures.thread

import anyio
import confluent_kafka
import kafka
import polars
import pydantic
import starlette.applications
import uvicorn

from tests.worker.simulation import threads as threads

threads.install()
