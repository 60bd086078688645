"""The bedside: what the pump delivers is what the patient receives, and examinations meet the truth."""

from __future__ import annotations

import json

import pytest

from emulator.bedside import Bedside
from emulator.bench_settings import BenchError
from emulator.patient.patient import Patient
from emulator.patient.signs import Outcome
from emulator.workups.finding import Aftermath, Verdict, Workup
from protocol.messages import Accepted, EnterRefill
from protocol.units import DAY_MS, HOUR_MS, Nanolitres
from tests.emulator.worlds import LIBRARY, MORPHINE, World, prescription
from verify.judge import judge_lines

CATHETER_NL = 187_000


def bedside(seed: int = 1, rate: int = 100_000) -> tuple[World, Bedside]:
    """Return a world whose pump infuses into a patient with back pain."""
    world = World(seed=seed)
    assert isinstance(world.prescribe(prescription(rate)), Accepted)
    return world, Bedside(world.bench, Patient("back-pain"), LIBRARY, seed)


def test_the_patient_receives_exactly_what_arrived() -> None:
    """To the picogram, what reached the CSF, the pocket and the tissue is what the patient has received."""
    world, bed = bedside()
    bed.advance(DAY_MS)
    world.bench.inject("cath_leak", severity=300, into="tissue")
    bed.advance(DAY_MS)
    world.bench.inject("cath_disconnected")
    bed.advance(DAY_MS + 7)
    body = world.device.body
    arrived = sum(book.get(MORPHINE, 0) for book in (body.tip_pg, body.pocket_pg, body.tissue_pg))
    balance = bed.patient.balance(MORPHINE)
    assert balance.received_pg == arrived
    assert balance.lost_pg == body.tissue_pg[MORPHINE] > 0
    assert body.pocket_pg[MORPHINE] > 0


def test_pain_returns_when_the_drug_no_longer_arrives() -> None:
    """After weeks of relief a disconnected catheter brings the pain, and withdrawal, back within two days."""
    world, bed = bedside()
    before = bed.signs().pain
    bed.advance(21 * DAY_MS)
    assert bed.signs().pain < before - 2
    world.bench.inject("cath_disconnected")
    bed.advance(2 * DAY_MS)
    assert bed.signs().pain > before - 2
    assert Outcome.WITHDRAWAL in bed.signs().outcomes


def test_an_examination_meets_the_truth_and_is_in_the_journal() -> None:
    """Among many patients an X-ray finds a disconnected catheter about as often as is published."""
    found = {True: 0, False: 0}
    for broken in found:
        for seed in range(60):
            world, bed = bedside(seed)
            if broken:
                world.bench.inject("cath_disconnected")
            finding = bed.order(Workup.X_RAY)
            found[broken] += finding.verdict("CATH-DISCONNECTED") is Verdict.POSITIVE
            assert any('"bedside.workup"' in line for line in world.journal.lines)
    assert 10 <= found[True] <= 35
    assert found[False] < found[True] // 2


def test_the_same_seed_sees_the_same() -> None:
    """Two runs of the same visit give the same findings and the same journal."""
    journals = []
    for _ in range(2):
        world, bed = bedside(3)
        world.bench.inject("cath_kink", severity=500)
        bed.advance(3 * DAY_MS)
        for workup in Workup:
            bed.order(workup)
        journals.append(world.journal.lines)
    assert journals[0] == journals[1]


def test_aspiration_empties_the_catheter_and_the_books_still_balance() -> None:
    """What is drawn out at the access port is gone from the line, the patient gets none, the judge can follow."""
    world, bed = bedside()
    bed.advance(4 * DAY_MS)
    arrived = bed.patient.balance(MORPHINE).received_pg
    emptied = False
    for seed in range(20):
        finding = bed.order(Workup.ASPIRATION)
        emptied = finding.aftermath is Aftermath.CATHETER_EMPTIED
        if emptied:
            break
        world, bed = bedside(seed + 2)
        bed.advance(4 * DAY_MS)
        arrived = bed.patient.balance(MORPHINE).received_pg
    assert emptied
    assert world.device.body.line[0] == (CATHETER_NL, ())
    assert bed.patient.balance(MORPHINE).received_pg == arrived
    bed.advance(4 * DAY_MS)
    world.bench.finish()
    assert judge_lines(world.journal.lines).findings == ()


def test_a_dye_study_without_aspiration_pushes_the_catheter_on() -> None:
    """Dye injected without aspirating first is a bolus of all that stood in the catheter."""
    _, bed = bedside()
    bed.advance(4 * DAY_MS)
    before = bed.patient.balance(MORPHINE).received_pg
    finding = bed.order(Workup.DYE_STUDY)
    assert finding.aftermath is Aftermath.CATHETER_INJECTED
    assert bed.patient.balance(MORPHINE).received_pg - before == CATHETER_NL * 20_000


def test_a_dead_pump_does_not_answer() -> None:
    """With the processor dead an interrogation finds no answer."""
    world, bed = bedside()
    world.bench.inject("total_failure")
    bed.advance(HOUR_MS)
    finding = bed.order(Workup.INTERROGATION)
    assert finding.verdict("TOTAL-FAILURE") is Verdict.POSITIVE


def test_alarms_and_residual_come_from_the_pump() -> None:
    """An interrogation shows the alarms that are raised, and the residual volume what is really there."""
    world, bed = bedside()
    world.ask(EnterRefill(Nanolitres(0), Nanolitres(18_000_000)))
    world.bench.inject("motor_stall")
    bed.advance(HOUR_MS)
    assert bed.order(Workup.INTERROGATION).verdict("MOTOR-STALL") is Verdict.POSITIVE
    bed.advance(40 * DAY_MS)
    residual = bed.order(Workup.RESIDUAL)
    assert residual.measured_nl is not None
    assert abs(residual.measured_nl - world.device.body.reservoir_nl) < 2_000_000


def test_commands_are_plain_data() -> None:
    """Orders, signs and bench commands are plain JSON; an unknown examination is refused with the list."""
    _, bed = bedside()
    for request in ({"do": "order", "workup": "x-ray"}, {"do": "patient"}, {"do": "advance", "time": "2 h"}):
        answer = bed.command(request)
        assert answer == json.loads(json.dumps(answer))
    with pytest.raises(BenchError, match="there are: interrogation"):
        bed.command({"do": "order", "workup": "biopsy"})
