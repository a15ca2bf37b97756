"""Lives through ``log_story`` on the models of Kafka's clients; ends with 1 if it does not come to its end."""

from tests.worker.simulation import played

# isort: split
import random
import sys

from tests.worker.simulation import cluster as clusters
from tests.worker.simulation import threads
from tests.worker.simulation.cluster import Cluster
from tests.worker.simulation.log_story import story
from tests.worker.simulation.machine import Machine, Strand


def main() -> int:
    """On a thread of a worker that does nothing else."""
    assert played.threads is threads
    source = random.Random(1)
    machine = Machine(source)
    threads.play(machine)
    clusters.install(source)
    cluster = Cluster(machine, source, {"exactly.once.source.support": "preparing"})
    node = cluster.joins(1)
    thread = Strand(node.host, "story", lambda: story(cluster.settings))
    machine.run_until(lambda: thread.done)
    print("\n".join(machine.troubles))
    return 1 if machine.troubles else 0


if __name__ == "__main__":
    sys.exit(main())
