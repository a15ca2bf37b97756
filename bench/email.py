"""An e-mail for each record, with 1 message in flight and with 64. `python -m bench.email`."""

import sys
import zlib
from pathlib import Path

import click

from bench import report
from bench.ours import ours
from bench.records import Topic, fill, shop_messages
from bench.run import Result, measure, started
from ferryman.stack import Stack
from ferryman.stack.servers.mailbox import Mailbox


class MailTarget:
    """The mail server's directory, as far as it was filled since this was made."""

    def __init__(self, directory: Path, records: int) -> None:
        self._mailbox = Mailbox(directory)
        self._records = records
        self._before = self._mailbox.count()

    def arrived(self) -> int:
        return self._mailbox.count() - self._before

    def complete(self) -> bool:
        return self.arrived() >= self._records

    def digest(self) -> str:
        """The recipients and subjects, whatever their order."""
        kept = self._mailbox.messages(self._before)
        total = sum(zlib.crc32(f"{each.recipients} {each.message['Subject']}".encode()) for each in kept)
        return f"{len(kept)} messages, {total % 2**64:016x}"

    def loss(self) -> str | None:
        return None


def run(stack: Stack, directory: Path, topic: Topic, in_flight: int) -> Result:
    """One run, in a directory of its own."""
    host, _, port = stack.addresses["mail"].rpartition(":")
    variables = {
        "BENCH_BROKER": stack.addresses["kafka"],
        "BENCH_TOPIC": topic.name,
        "BENCH_MAIL_HOST": host,
        "BENCH_MAIL_PORT": port,
        "BENCH_IN_FLIGHT": str(in_flight),
    }
    side, target = ours(), MailTarget(stack["mail"].directory, topic.records)
    with started(side, "email", directory, variables) as running:
        return measure(running, side, f"email, {in_flight} in flight", topic.records, target)


@click.command()
@click.option("--records", default=5_000, show_default=True)
@click.option("--repeat", default=2, show_default=True, help="Runs of each; two show the noise.")
@click.option("--in-flight", multiple=True, type=int, default=(1, 64), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(records: int, repeat: int, in_flight: tuple[int, ...], as_json: bool) -> None:
    """Run each, one after the other, and print what they took."""
    with Stack(("kafka", "mail")) as stack:
        topic = fill(stack.addresses["kafka"], "email", shop_messages(records), records)
        found = []
        for number in range(repeat):
            for count in in_flight:
                print(f"{count} in flight, run {number + 1} of {repeat}", file=sys.stderr)
                found.append(run(stack, stack.directory / f"email-{count}-{number}", topic, count))
                print(f"  {found[-1].rate:,.0f} messages/s, {found[-1].cpu_seconds:.1f} CPU s", file=sys.stderr)
    print(report.dump("email", [result.dump() for result in found]) if as_json else report.results(found))


if __name__ == "__main__":
    main()
