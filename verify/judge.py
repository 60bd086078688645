"""The judge: reads a journal and says whether what is claimed about the pump held.

It is independent on purpose. It shares no code with the pump, only the journal's format and the units, and it
judges by what physically moved (``drive.strokes``), never by what the pump believes. Limits it reads from the drug
library's file itself, where the journal names one that it has. Each claim has a watcher of
its own; the judge only lets every watcher see every event, in order, with the scene as it was before the event.

Outside its reach, because the journal cannot show it: whether what left the tip reached the place it was meant for.
Outside the pump's reach, though the judge would see it: a reservoir filled with another fluid than its label says,
or with less than the pump was told, so that it runs dry unnoticed and the line holds something else than believed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from emulator.journal import Event, read_journal
from verify.alarms import AlarmWatcher
from verify.bolus_accounts import BolusAccountWatcher
from verify.boluses import BolusWatcher
from verify.conservation import ConservationWatcher
from verify.doses import DoseWatcher
from verify.encounters import Encounters
from verify.library import KnownLibrary, LibraryUnreadableError, library_of
from verify.listing import ListingWatcher
from verify.movement import AlarmFlowWatcher, DeliveryWatcher, PermissionWatcher, PrimingWatcher, RateWatcher
from verify.occurrences import KINDS, occurrence, times
from verify.prescribed import LibraryWatcher
from verify.properties import Property, check_record
from verify.recorder import Recorder
from verify.scene import STROKES, Scene
from verify.sounds import SoundWatcher
from verify.verdict import Claim, DrugFigure, Figures, Finding, Verdict, pump_time
from verify.watcher import Watcher


class UnjudgeableError(Exception):
    """A journal does not say what a judgement needs."""


class Judge:
    """Takes events one by one; ``verdict`` may be asked for once, after the last.

    ``properties`` are formulas to judge beside the watchers' claims. ``library`` is the one that the journal must
    name; without it the shipped one counts, if the journal names that.
    """

    def __init__(self, *, properties: Sequence[Property] = (), library: KnownLibrary | None = None) -> None:
        self._scene = Scene()
        self._given = library
        self._limits = "limits: the journal has no header that says which"
        self._properties = properties
        self._recorder = Recorder()
        self._doses = DoseWatcher()
        self._conservation = ConservationWatcher()
        self._alarms = AlarmWatcher()
        self._watchers: tuple[Watcher, ...] = (
            LibraryWatcher(),
            PermissionWatcher(),
            PrimingWatcher(),
            RateWatcher(),
            AlarmFlowWatcher(),
            DeliveryWatcher(),
            self._doses,
            BolusWatcher(),
            BolusAccountWatcher(),
            self._conservation,
            self._alarms,
            SoundWatcher(),
            ListingWatcher(),
        )
        self._findings: list[Finding] = []
        self._occurrences: Counter[str] = Counter()
        self._unknown: Counter[str] = Counter()
        self._encounters = Encounters()
        self._events = 0
        self._complete = False

    def take(self, event: Event) -> None:
        """Judge one event. Raises ``UnjudgeableError`` if it lacks what its kind must say."""
        if event.kind == "bench.thawed" and not self._events:
            raise UnjudgeableError(
                "it begins in the middle: the pump was continued from an image, and what it had done and was told "
                "before is not in this journal"
            )
        if event.kind == "bench.start":
            self._begin(event)
        self._complete = event.kind == "bench.end"
        try:
            self._take(self._in_order(event))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise UnjudgeableError(f"event {event.seq}, {event.kind}: {error!r}") from error

    def _begin(self, event: Event) -> None:
        if self._events:
            raise UnjudgeableError(f"event {event.seq} begins it a second time: these are two journals")
        try:
            self._scene.known, self._limits = library_of(event.data, self._given)
        except LibraryUnreadableError as error:
            raise UnjudgeableError(str(error)) from None

    def verdict(self) -> Verdict:
        """Close the journal and return the judgement."""
        for watcher in self._watchers:
            self._findings += watcher.end(self._scene)
        findings = sorted(self._findings, key=lambda finding: finding.at_ms)
        formulas = check_record(self._recorder.record(), self._properties) if self._properties else ()
        return Verdict(tuple(findings), self._figures(), formulas)

    def _take(self, event: Event) -> None:
        self._events += 1
        if self._properties:
            self._recorder.take(event)
        self._occurrences[occurrence(event)] += times(event)
        if event.kind not in KINDS:
            self._unknown[event.kind] += 1
        self._encounters.take(event, self._scene)
        for watcher in self._watchers:
            self._findings += watcher.see(event, self._scene)
        self._scene.take(event)
        self._findings += self._alarms.settle(event, self._scene)

    def _in_order(self, event: Event) -> Event:
        """Return the event, moved to the present if the journal's time runs back; that is a finding."""
        now_ms = self._scene.at_ms
        ats = event.data["at"] if event.kind == STROKES else [event.at]
        if event.at >= now_ms and ats[0] >= event.at and ats == sorted(ats):
            return event
        words = f"event {event.seq}, {event.kind}, is at {pump_time(event.at)} after {pump_time(now_ms)}"
        self._findings.append(Finding(Claim.ORDER, now_ms, words, event.at, now_ms, "ms"))
        data = {**event.data, "at": [max(now_ms, *ats)] * len(ats)} if event.kind == STROKES else event.data
        return event._replace(at=max(event.at, now_ms), data=data)

    def _figures(self) -> Figures:
        moved = self._doses.moved
        codes = sorted({code for code, _ in moved})
        return Figures(
            events=self._events,
            complete=self._complete,
            ends_at_ms=self._scene.at_ms,
            strokes=self._conservation.strokes,
            volume_nl=self._conservation.volume_nl,
            drugs=tuple(
                DrugFigure(self._scene.name(code), moved.get((code, "outlet"), 0), moved.get((code, "tip"), 0))
                for code in codes
            ),
            limits=self._limits,
            widths_ms={str(hours): width for hours, width in self._scene.widths_ms.items()},
            windows=self._doses.figures(self._scene),
            unknown=dict(sorted(self._unknown.items())),
            occurrences=dict(sorted(self._occurrences.items())),
            encounters=dict(sorted(self._encounters.counts.items())),
        )


def judge(
    events: Iterable[Event], *, properties: Sequence[Property] = (), library: KnownLibrary | None = None
) -> Verdict:
    """Judge the events of a journal. Raises ``UnjudgeableError`` if one lacks what its kind must say."""
    bench = Judge(properties=properties, library=library)
    for event in events:
        bench.take(event)
    return bench.verdict()


def judge_lines(lines: Iterable[str], *, properties: Sequence[Property] = ()) -> Verdict:
    """Judge a journal's lines. Raises ``JournalDamagedError`` or ``UnjudgeableError``."""
    return judge(read_journal(lines), properties=properties)


def judge_file(path: str | Path) -> Verdict:
    """Judge a journal file. Raises ``OSError``, ``JournalDamagedError`` or ``UnjudgeableError``."""
    with Path(path).open(encoding="utf-8") as lines:
        return judge_lines(lines)
