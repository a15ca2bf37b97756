"""The scoreboard of reliability: a row a fault, how many trials each run owes it, and what came of them.

A run with ``--long`` owes a row its whole number, an ordinary run a tenth, unless the row says otherwise.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One fault or bad input."""

    what: str
    """The fault, and what must hold in spite of it."""
    whole: int
    """How many trials a run with ``--long`` makes."""
    usual: int = 0
    """How many an ordinary run makes; 0 for a tenth of the whole, below 0 for none."""

    def required(self, long: bool) -> int:
        """How many trials this run owes."""
        return self.whole if long else max(0, self.usual or -(-self.whole // 10))


ROWS: Mapping[str, Row] = {
    "R1": Row("SIGKILL of a source at each crash point: each event once, in order of each key", 100),
    "R2 SQL": Row("SIGKILL of the SQL sink at each crash point: each record one row", 100, 12),
    "R2 S3": Row("SIGKILL of the S3 sink at each crash point: each record in one object", 100, 16),
    "R3": Row("SIGSTOP past the session's end in the middle of a write, SIGCONT: no late write", 30),
    "R4": Row("workers and tasks come, go and are restarted in good order: each record once, the others go on", 20),
    "R5": Row("Produce, AddPartitionsToTxn, EndTxn lost, unanswered, late: no transaction torn, lost, revived", 54, 9),
    "R6": Row("steps of a sink's task in any order: commits go forward, are durable, never stale", 1_000_000, 10_000),
    "R7": Row("a broker of three killed, leaders and coordinators moved: ledger clean, flows go on", 10, -1),
    "R8": Row("each link slow, cut, half-open, throttled, closed slowly: the ledger is clean", 60, 30),
    "R9": Row("kills, sleeps, cuts, bounces, broker restarts, requests: each task one owner, ledger clean", 100, 12),
    "R9 secure": Row("the same with three brokers, TLS, logins and ACLs: each task one owner, ledger clean", 60, -1),
    "R10": Row("death of the leader between configs, compaction, deletions: what was accepted is there", 50, 2),
    "R11": Row("records, 1 % of them poison of each stage, and kills: the dead letters are the poison", 20_000),
    "R12": Row("a dead letter that Kafka refuses: no offset passes its record, the task FAILED with the reason", 20),
    "R13 SQL": Row("database away, everything tolerated: nothing dead-lettered, nothing lost", 5),
    "R13 S3": Row("S3 away, everything tolerated: nothing dead-lettered, nothing lost", 5),
    "R13 registry": Row("registry away, everything tolerated: nothing dead-lettered, nothing lost", 5),
    "R14": Row("a plugin that blocks or spins in a callback: the others go on, REST answers", 16, 16),
    "R15 e-mail": Row("server keeps the message and drops the connection: doubles at most as doubts, one id", 200),
    "R17": Row("faults of a mixed soak, a quarter of the time none: ledger clean, no growth", 40),
    "R18 bytes": Row("broken Avro and JSON: a data error or a value, never a crash or a hang", 100_000),
    "R18 REST": Row("requests of any shape: no 5xx, no hang, the content type is right", 5_000),
    "R19": Row("keys with a planted secret: it shows up nowhere but in the config as posted", 12, 12),
    "R20": Row("hostile configs: refused by name, no file read or written, no connection made", 300, 300),
}


@dataclass
class Scoreboard:
    """What a run has reached so far."""

    long: bool
    reached: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    """Tests of a row that did not hold."""

    def short(self) -> list[str]:
        """The rows that have fewer trials than required."""
        return [name for name, row in ROWS.items() if self.reached[name] < row.required(self.long)]

    def lines(self) -> Iterator[str]:
        """A line for each row: what, required, reached, result. Nothing if no trial was made and no test failed."""
        if not self.reached and not self.failed:
            return
        yield f"{'row':<13}{'required':>10}{'reached':>10}  {'result':<9} what"
        for name, row in ROWS.items():
            required, reached = row.required(self.long), self.reached[name]
            yield f"{name:<13}{required:>10,}{reached:>10,}  {self._result(name):<9} {row.what}"

    def _result(self, name: str) -> str:
        if self.failed[name]:
            return "BROKEN"
        if self.reached[name] >= ROWS[name].required(self.long):
            return "held"
        return "short" if self.reached[name] else "not run"
