"""What the brokers of the embedded Kafka are told: server.properties."""

from collections.abc import Mapping
from pathlib import Path

from ferryman.stack.runtime.ports import HOST
from ferryman.stack.security.identity import Identity
from ferryman.stack.security.rights import BROKER, SUPER

_SETTINGS = """\
process.roles=broker,controller
node.id={number}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
log.dirs={data}

# As many replicas as there are nodes, and few partitions for the internal topics: they are made when first used.
default.replication.factor={replicas}
min.insync.replicas={in_sync}
offsets.topic.replication.factor={replicas}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr={in_sync}
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor={replicas}
share.coordinator.state.topic.min.isr={in_sync}
share.coordinator.state.topic.num.partitions=1

# Groups form at once, sessions are short or may be declared to be, and a dead producer's transaction ends soon.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
group.consumer.min.session.timeout.ms=1000
group.consumer.session.timeout.ms=6000
group.consumer.min.heartbeat.interval.ms=100
group.consumer.heartbeat.interval.ms=500
transaction.abort.timed.out.transaction.cleanup.interval.ms=500

# After SIGKILL the node must wait until its former self has timed out.
broker.session.timeout.ms={session}
broker.heartbeat.interval.ms=1000

# Brokers that rest leave the processor to others: no record of theirs twice a second, few threads.
metadata.max.idle.interval.ms=0
num.io.threads=4
num.network.threads=2

# The log cleaner reserves 128 MB by default, a quarter of this heap.
log.cleaner.dedupe.buffer.size=8388608
"""
_OPEN = """
listeners=PLAINTEXT://{host}:{broker},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{broker}
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
"""
_SECURE = """
# Clients log in with SCRAM. Brokers and controllers know each other by certificates: users and their passwords are
# records in the log that they must first agree upon.
listeners=CLIENT://{host}:{broker},INTERNAL://{host}:{internal},CONTROLLER://{host}:{controller}
advertised.listeners=CLIENT://{host}:{broker},INTERNAL://{host}:{internal}
inter.broker.listener.name=INTERNAL
listener.security.protocol.map=CLIENT:SASL_SSL,INTERNAL:SSL,CONTROLLER:SSL
ssl.keystore.type=PEM
ssl.keystore.location={identity}
ssl.truststore.type=PEM
ssl.truststore.location={trusted}
listener.name.internal.ssl.client.auth=required
listener.name.controller.ssl.client.auth=required
listener.name.client.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.client.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;

# What no ACL allows is refused.
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:CN={node};User:{everything}
"""
_ALONE = 3000
_AMONG_OTHERS = 6000
"""Several start at once on one machine, and are not to take each other for dead while they do."""


def server_properties(
    number: int, ports: Mapping[str, int], controllers: Mapping[int, int], data: Path, identity: Identity | None
) -> str:
    """The text for a node, of which ``controllers`` are all nodes' numbers and the ports of their controllers; with an
    identity it is a secure one."""
    nodes = len(controllers)
    values = {
        **ports,
        "number": number,
        "voters": ",".join(f"{node}@{HOST}:{port}" for node, port in controllers.items()),
        "host": HOST,
        "data": data,
        "replicas": nodes,
        "in_sync": max(1, nodes - 1),
        "session": _ALONE if nodes == 1 else _AMONG_OTHERS,
    }
    if identity is None:
        return (_SETTINGS + _OPEN).format(**values)
    own = {"identity": identity.own, "trusted": identity.trusted, "node": BROKER, "everything": SUPER}
    return (_SETTINGS + _SECURE).format(**values, **own)
