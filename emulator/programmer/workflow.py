"""The clinician's workflow as one table: which step may follow which.

Two kinds of event are in it: what the clinician does (``edit``, ``stop``, …) and what comes of it (``connected``,
``unknown``, …). Every command of the programmer asks this table first.
"""

from __future__ import annotations

import enum

from emulator.machine import Row, TableMachine


class Phase(enum.Enum):
    """Where the programming stands."""

    DISCONNECTED = "no session"
    CONNECTED = "a session, but nothing known of the pump"
    READY = "interrogated"
    DRAFTING = "a prescription is being written"
    REVIEWED = "old and new are on the screen"
    STAGED = "the pump holds the new prescription beside the old one"
    UPDATED = "committed, not yet verified"
    UNRESOLVED = "whether the pump carried out a command is unknown"


DISCONNECTED = Phase.DISCONNECTED
CONNECTED = Phase.CONNECTED
READY = Phase.READY
DRAFTING = Phase.DRAFTING
REVIEWED = Phase.REVIEWED
STAGED = Phase.STAGED
UPDATED = Phase.UPDATED
UNRESOLVED = Phase.UNRESOLVED

IN_SESSION = (CONNECTED, READY, DRAFTING, REVIEWED, UPDATED)
AT_WORK = (*IN_SESSION, STAGED)

ROWS = (
    Row("connect", (DISCONNECTED, UNRESOLVED), None),
    Row("connected", DISCONNECTED, UNRESOLVED, ("has_unresolved",), ("forget_view",)),
    Row("connected", DISCONNECTED, UPDATED, ("has_unverified",), ("forget_view",), "an update awaits verification"),
    Row("connected", DISCONNECTED, CONNECTED, (), ("forget_view",)),
    Row("connected", UNRESOLVED, None, (), ("forget_view",)),
    Row("lost", AT_WORK, DISCONNECTED, (), ("forget_draft",), "no contact: nothing half-entered survives"),
    Row("lost", UNRESOLVED, None),
    Row("lost", DISCONNECTED, None),
    Row("unknown", AT_WORK, UNRESOLVED, (), ("forget_draft",), "the reply to a command is lost"),
    Row("unknown", UNRESOLVED, None),
    Row("interrogate", (*IN_SESSION, UNRESOLVED), None),
    Row("interrogated", (CONNECTED, READY), READY),
    Row("interrogated", (DRAFTING, REVIEWED), DRAFTING, (), ("forget_review",), "a review is of what was shown"),
    Row("interrogated", (UPDATED, UNRESOLVED), None),
    Row(
        "edit", (READY, DRAFTING, REVIEWED), DRAFTING, ("same_library",), ("forget_review",), "an edit ends a review"
    ),
    Row("review", (DRAFTING, REVIEWED), REVIEWED, ("same_library",), ("show_review",), "old beside new"),
    Row(
        "justify",
        REVIEWED,
        REVIEWED,
        ("same_library",),
        ("show_review",),
        "a reason for a soft limit, after it was shown",
    ),
    Row("discard", (DRAFTING, REVIEWED), READY, (), ("forget_draft",)),
    Row("stage", REVIEWED, STAGED, ("approved", "same_library")),
    Row("turned_down", STAGED, DRAFTING, (), ("forget_review",), "refused, or the echo is not what was reviewed"),
    Row("committed", STAGED, UPDATED, (), ("forget_draft",)),
    Row("verify", UPDATED, None),
    Row("verified", UPDATED, READY),
    Row("stop", (*IN_SESSION, UNRESOLVED), None, (), (), "always"),
    Row("start", READY, None),
    Row("dose", READY, None, ("same_library",), (), "a clinician bolus"),
    Row("propose_prime", READY, None, ("same_library",)),
    Row("prime", READY, None, ("same_library",), (), "as it was proposed"),
    Row("press", (CONNECTED, READY), None, (), (), "the patient's button"),
    Row("refill", READY, None),
    Row("attend", IN_SESSION, None, (), (), "cancel a bolus, alarms, clock, self-test, log"),
    Row("resolve", UNRESOLVED, None),
    Row("resolved", UNRESOLVED, UNRESOLVED, ("has_unresolved",)),
    Row("resolved", UNRESOLVED, UPDATED, ("has_unverified",)),
    Row("resolved", UNRESOLVED, CONNECTED),
    Row("accept_unknown", UNRESOLVED, None, ("asked_in_vain", "looked_since"), (), "it cannot be found out"),
    Row("close", (CONNECTED, READY), None),
    Row("closed", (CONNECTED, READY), DISCONNECTED),
)

MACHINE = TableMachine(Phase, DISCONNECTED, ROWS)
