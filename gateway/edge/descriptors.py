"""Takes no more sockets than the system lets this process open.

Beyond the limit `accept` fails for everybody, the internal port and the connections to Redis
included. So the limit of sockets is lowered to what fits, and a process that would have no room for
any does not start.
"""

import resource
from typing import Final

from gateway.edge.admission import Admission
from shared.logs import logger
from shared.settings.loading import SettingsProblem

log = logger()

SPARE_DESCRIPTORS: Final = 1_000
"""For what is no open socket of a client: Redis, HTTP requests, and a wave of connects that are
still checked or just refused. `fanwire doctor` reckons with as many."""


def fit_descriptors(admission: Admission, *, descriptor_limit: int) -> None:
    """Lower the sockets that `admission` lets in to what fits, with a warning.

    Raises:
        SettingsProblem: If not one would fit.
    """
    if descriptor_limit == resource.RLIM_INFINITY:
        return
    wanted, room = admission.max_connections, descriptor_limit - SPARE_DESCRIPTORS
    if room >= wanted:
        return
    if room < 1:
        raise SettingsProblem(
            f"GATEWAY_MAX_CONNECTIONS needs {SPARE_DESCRIPTORS} open files beside its sockets, and "
            f"this process may have {descriptor_limit} in all: raise the hard limit (ulimit -Hn)"
        )
    admission.max_connections = room
    log.warning(
        "descriptors.few",
        limit=descriptor_limit,
        wanted_connections=wanted,
        lowered_to=room,
        remedy=f"raise the hard limit (ulimit -Hn) to {wanted + SPARE_DESCRIPTORS}, "
        "or lower GATEWAY_MAX_CONNECTIONS",
    )
