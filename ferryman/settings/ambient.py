"""What a process has lying around and libraries would use unasked: passwords for databases go in by the config only.

libpq takes whatever a URL leaves out from ``PG*`` variables, ``~/.pgpass``, service files and ``~/.postgresql``
(https://www.postgresql.org/docs/current/libpq-envars.html). Those of a worker are not meant for every host that a
connector's config names. Amazon's are dealt with where the S3 sink makes its client; netrc is read by no client here.
"""

import os
from collections.abc import MutableMapping

_NOTHING = "/dev/null/nothing"
"""A path at which there can be no file, which libpq silently ignores."""
_INSTEAD = {"PGPASSFILE": _NOTHING, "PGSERVICEFILE": _NOTHING, "PGSYSCONFDIR": _NOTHING, "PGSSLCERT": _NOTHING}
"""Weaker than what a config says, as all variables are."""


def withhold(environment: MutableMapping[str, str] = os.environ) -> None:
    """Takes them out of this process's environment, for good. Config providers keep what was there before."""
    for name in [name for name in environment if name.startswith("PG")]:
        del environment[name]
    environment.update(_INSTEAD)
