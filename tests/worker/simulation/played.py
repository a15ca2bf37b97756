"""To be imported before anything of ours: threads and clocks are played from here on, but for those who had them before.

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

from tests.worker.simulation import threads

threads.install()
