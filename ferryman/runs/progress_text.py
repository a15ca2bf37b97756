"""How far a run is, as people say it. Pure."""

from collections.abc import Iterator

from ferryman.runs.progress import Progress


def sentence(progress: Progress | None, trouble: str) -> str:
    """How far it is, in a line."""
    if progress is None:
        return trouble or "starting"
    total = progress.records_total
    if total is None:
        parts = [many(progress.records_done)]
    else:
        share = 100 * progress.records_done // total if total else 100
        parts = [f"{share} %, {progress.records_done:,} of {many(total)}"]
    parts += [f"{progress.refused:,} refused"] if progress.refused else []
    if progress.complete:
        parts.append("complete")
    else:
        parts += [f"{progress.rate:,.0f} a second"] if progress.rate else []
        parts += [f"held back by the live connector to {progress.pace:.0%}"] if progress.pace < 1 else []
        parts += [f"{duration(progress.left)} left"] if progress.left is not None else []
    return "; ".join([*parts, *filter(None, [trouble])])


def refusals(refused: int, run: str, letters: str | None) -> str:
    """That records of a backfill were refused, and where they are. ``letters`` is the topic of dead letters, empty
    where there is none, None where that is not known."""
    key = "errors.deadletterqueue.topic.name"
    if letters is None:
        where = f"`ferryman dlq list {run}` shows them, where {key} is set"
    else:
        where = (
            f"they are in {letters}, as dead letters of {run}" if letters else f"none is kept, since {key} is not set"
        )
    return f"{many(refused)} refused: {where}"


def sizes(size: int | None, in_period: int | None, seconds: float | None) -> Iterator[str]:
    """How much a run has to do: bytes, records in its period, seconds at the rate that is set; None for the unknown."""
    if in_period is not None:
        yield f"about {many(in_period)} in the period"
    if size is not None:
        yield f"about {size / 1e6:,.1f} MB of keys and values, by a sample"
    if seconds is not None:
        yield f"at this rate: {duration(seconds)}"


def many(records: int) -> str:
    """So many records."""
    return f"{records:,} record{'' if records == 1 else 's'}"


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
