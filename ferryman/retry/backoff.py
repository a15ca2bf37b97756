"""How long to wait before the next try; pure."""

import random

FIRST_SECONDS = 0.3


def delay(attempt: int, longest: float) -> float:
    """Seconds before try number ``attempt`` (from 1): 0.3 doubled each time, then random below ``longest``.

    As Kafka Connect's RetryWithToleranceOperator, so that a crowd of tasks does not come back in step.
    """
    wait = FIRST_SECONDS * 2 ** min(attempt - 1, 32)
    return wait if wait <= longest else random.uniform(min(FIRST_SECONDS, longest), longest)  # noqa: S311
