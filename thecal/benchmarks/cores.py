"""Which core does what: we on one, our peers on another.

Where a scheduler puts two processes that talk to each other changes with the load of the machine, and with it what an
exchange costs, threefold. Kept apart they are like two machines on a line, and figures can be compared.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

CAN_CHOOSE = hasattr(os, "sched_setaffinity")
"""Linux can; elsewhere the scheduler does as it likes."""
ALL = sorted(os.sched_getaffinity(0)) if CAN_CHOOSE else []
OURS, THEIRS = ({ALL[0]}, {ALL[1]}) if len(ALL) > 1 else (set(ALL), set(ALL))


@contextmanager
def on_our_core() -> Iterator[None]:
    """Keep this process on its core for as long as the context is open."""
    if not CAN_CHOOSE:
        yield
        return
    os.sched_setaffinity(0, OURS)
    try:
        yield
    finally:
        os.sched_setaffinity(0, ALL)


def put_on_their_core(process_id: int) -> None:
    """Keep a peer on the other core."""
    if CAN_CHOOSE:
        os.sched_setaffinity(process_id, THEIRS)
