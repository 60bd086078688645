"""Scripts as data: read, played, told, shortened and drawn, always with the same outcome."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from emulator.firmware.prescribing import refusal
from protocol.messages import Accepted, Message, SelfTestReport
from protocol.units import DAY_MS, NanolitresPerDay
from protocol.vocabulary import Reason, TherapyState
from verify.broken import BrokenPropertyError
from verify.properties import load_properties
from verify.scripts.action import between, one_of
from verify.scripts.catalogue import ACTIONS
from verify.scripts.kept import kept_scripts
from verify.scripts.mistakes import MISTAKES
from verify.scripts.random_script import play_random
from verify.scripts.reading import ScriptError, read_script
from verify.scripts.run import Run, played, what_broke
from verify.scripts.script import Script, Step
from verify.scripts.shorten import shortened
from verify.scripts.told import replay
from verify.starts import STARTS
from verify.story import healthy
from verify.suites.suite import Effort
from verify.suites.wire import play
from verify.verdict import pump_time

VISIT = Step("visit", {})
PRESS = Step("patient_bolus", {"presses": 2})
HOUR = Step("pass_time", {"for_ms": 3_600_000})
STRANGER = Step("stranger", {})
SCRIPT = Script("full_rate", 7, faulty=True, steps=[VISIT, PRESS, HOUR])


def test_what_is_written_is_read() -> None:
    """A script read from its own text is the same script."""
    assert read_script(SCRIPT.text()) == SCRIPT


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda data: data.update(thecal_script=2), "format 1"),
        (lambda data: data.pop("seed"), "differs in seed"),
        (lambda data: data.update(start="nowhere"), "“start” is one of"),
        (lambda data: data.update(seed=-1), "a whole number from 0"),
        (lambda data: data.update(faulty=1), "true or false"),
        (lambda data: data.update(steps={}), "“steps” is a list"),
        (lambda data: data["steps"].append("visit"), "step 4 is not a list"),
        (lambda data: data["steps"].append(["fly", {}]), "step 4: no action is called “fly”"),
        (lambda data: data["steps"].append(["pass_time", {}]), "step 4: “pass_time” takes for_ms"),
        (lambda data: data["steps"].append(["pass_time", {"for_ms": "long"}]), "cannot be 'long'"),
        (lambda data: data["steps"].append(["pass_time", {"for_ms": True}]), "cannot be True"),
        (lambda data: data["steps"].append(["pass_time", {"for_ms": 7_200_001}]), "it is one of: 1 to 7200000, 1,"),
        (lambda data: data["steps"].append(["strangers", {"times": -5}]), "cannot be -5; it is one of: 1 to 6"),
        (lambda data: data["steps"].append(["look_on", {"section": "identitty"}]), "it is one of: identity, "),
        (lambda data: data["steps"].append(["magnet", {"stalled": 1}]), "cannot be 1; it is one of: False, True"),
    ],
)
def test_a_text_that_is_no_script_is_refused_in_words(
    spoil: Callable[[dict[str, Any]], object], complaint: str
) -> None:
    """What is wrong is named, and at which step."""
    data = json.loads(SCRIPT.text())
    spoil(data)
    with pytest.raises(ScriptError, match=complaint):
        read_script(json.dumps(data))


def test_what_is_wrong_is_named_by_its_line() -> None:
    """In a text of one step a line, and in any other; what a story quotes is no step."""
    script = replace(SCRIPT, steps=[VISIT, PRESS, Step("strangers", {"times": 7})], story='it had "steps": [1, 2')
    text = script.text()
    with pytest.raises(ScriptError, match="line 10, step 3: times of “strangers” cannot be 7"):
        read_script(text)
    with pytest.raises(ScriptError, match="line 1, step 3: "):
        read_script(json.dumps(json.loads(text)))
    with pytest.raises(ScriptError, match="more than once"):
        read_script(SCRIPT.text().replace('"steps": [', '"steps": [], "steps": ['))


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"steps": []}', "\x00"])
def test_any_other_text_is_refused(text: str) -> None:
    """Whatever the text is, it is refused as no script and never ends in a crash."""
    with pytest.raises(ScriptError):
        read_script(text)


def test_a_script_gives_the_same_journal_every_time() -> None:
    """Two plays of one script differ in no byte of their journals."""
    first, second = (replay(SCRIPT) for _ in range(2))
    assert first.journal == second.journal
    assert first.holds


def test_a_story_says_when_who_and_what_followed() -> None:
    """Each step is told with its time and actor, and beneath it what the pump did."""
    lines = replay(SCRIPT).lines()
    assert any("clinician  visit" in line for line in lines)
    assert any("patient    patient_bolus presses=2" in line for line in lines)
    assert any("patient: PatientBolus" in line for line in lines)
    assert any(line.startswith("holds: 0 findings") for line in lines)


def test_a_story_tells_the_answer_to_every_question() -> None:
    """Of a request that changes nothing no journal tells, and of one without an answer neither: the story does."""
    staged, seen = Step("mistake", {"what": "too_slow"}), Step("look_on", {"section": "therapy"})
    unheard = Step("silent", {"fault": "total_failure", "for_ms": 60_000})
    steps = replay(replace(SCRIPT, steps=[staged, seen, unheard])).steps
    assert steps[0].followed[0].endswith("clinician: StagePrescription refused rate_range")
    assert steps[1].followed[0].endswith("observer: Interrogate answered by TherapyReport")
    assert any("observer: Interrogate without an answer" in line for line in steps[2].followed)


def test_a_story_is_told_in_the_order_of_time() -> None:
    """Strokes are counted for the step in which they came, and nothing stands beneath a later step than its own."""
    told = replay(replace(SCRIPT, steps=[VISIT, HOUR, PRESS, HOUR, VISIT]))
    ends = [step.at_ms for step in told.steps[1:]]
    for step, end_ms in zip(told.steps, ends, strict=False):
        times = [line[: line.index("  ")] for line in step.followed if not line.startswith("…")]
        assert times == sorted(times)
        assert all(pump_time(step.at_ms) <= time <= pump_time(end_ms) for time in times)
    assert any(" strokes, until " in line for line in told.steps[1].followed)


def test_a_story_says_the_steps_of_a_schedule_and_why_the_file_was_kept() -> None:
    """A flex prescription has no rate of its own; who opens the file reads first what it once showed."""
    lines = replay(kept_scripts()["schedule-during-bolus"]).lines()
    assert lines[0].startswith("kept because: The rate goes up by schedule")
    assert any("prescription: flex, 00:00 48000 nL/day, 00:01 4000000 nL/day" in line for line in lines)
    assert not any("flex, 0 nL/day" in line for line in lines)


def test_a_step_that_cannot_happen_is_passed_over_and_said_so() -> None:
    """Days do not pass at a rate that would take too many strokes; the story says that they did not."""
    told = replay(replace(SCRIPT, start="small_windows", steps=[Step("power_returns", {})]))
    assert told.steps[0].followed == ("cannot happen now",)
    assert told.holds


def test_a_script_without_a_step_has_a_story_too() -> None:
    """It begins, and is judged."""
    told = replay(replace(SCRIPT, steps=[]))
    assert told.holds
    assert "begins at “full_rate”, seed 7" in told.lines()[0]


def test_a_crash_is_what_broke(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception out of the pump is told as the end of the story, and later steps are not played."""

    def crash(_: Run) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setitem(ACTIONS, "stranger", ACTIONS["stranger"]._replace(act=crash))
    told = replay(replace(SCRIPT, steps=[STRANGER, VISIT]))
    assert told.broken == "ZeroDivisionError: by zero"
    assert not told.holds
    assert len(told.steps) == 1


def test_what_breaks_is_made_as_short_as_possible(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many steps only those are left that it takes: here somebody let in by whoever visited before."""

    def let_in(run: Run) -> None:
        if run.reached["EnterRefill done"]:
            raise BrokenPropertyError("a stranger was let in")

    monkeypatch.setitem(ACTIONS, "stranger", ACTIONS["stranger"]._replace(act=let_in))
    long = replace(SCRIPT, steps=[HOUR, PRESS, VISIT, HOUR, PRESS, PRESS, STRANGER, HOUR, VISIT])
    assert shortened(long).steps == [VISIT, STRANGER]
    sound = replace(SCRIPT, steps=[HOUR, STRANGER])
    assert shortened(sound) == sound


def test_the_tries_of_a_shortening_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no try to spare the script stays as it is, and still breaks."""

    def let_in(_: Run) -> None:
        raise BrokenPropertyError("a stranger was let in")

    monkeypatch.setitem(ACTIONS, "stranger", ACTIONS["stranger"]._replace(act=let_in))
    long = replace(SCRIPT, steps=[HOUR, PRESS, STRANGER])
    assert shortened(long, tries=0) == long


def test_a_script_of_the_suite_that_breaks_is_shortened_before_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept has only the steps that it takes, and the story begins with what broke; a trial has no time."""

    def let_in(run: Run) -> None:
        raise BrokenPropertyError("a stranger was let in")

    monkeypatch.setitem(ACTIONS, "stranger", ACTIONS["stranger"]._replace(act=let_in))
    long = replace(SCRIPT, steps=[HOUR, PRESS, VISIT, STRANGER, HOUR])
    effort, hasty = Effort(1, 1), Effort(1, 1, minimal=False)
    with pytest.raises(BrokenPropertyError) as told:
        play(effort, long)
    first, _, *story = str(told.value).splitlines()
    assert first == "a stranger was let in"
    assert "stranger   stranger" in "\n".join(story)
    assert read_script(effort.counterexample or "") == replace(SCRIPT, steps=[STRANGER], story=first)
    with pytest.raises(BrokenPropertyError, match=r"^a stranger was let in$"):
        play(hasty, long)
    assert len(read_script(hasty.counterexample or "").steps) == len(long.steps)


def test_what_broke_is_said_by_name_in_one_line() -> None:
    """Whoever soaks learns which claims and formulas broke, and what was found first."""
    strokes = [DAY_MS + 100 * number for number in range(50)]
    verdict = healthy(1).strokes(strokes).verdict(2 * DAY_MS, properties=load_properties())
    words = what_broke(verdict)
    assert words.startswith("broken: ")
    assert "dose limit" in words
    assert f"first {min(verdict.findings, key=lambda each: each.at_ms).line()}" in words
    assert "\n" not in words


def test_what_an_action_needs_is_drawn_from_its_domain() -> None:
    """Numbers and choices are both drawn, nothing else, and what is drawn can be read again."""
    domain = between(1, 3, 50)
    assert {domain.draw(Random(seed)) for seed in range(100)} == {1, 2, 3, 50}
    assert domain.words() == "1 to 3, 50"
    assert one_of("a", "a", "b").words() == "a, b"
    chance = Random(1)
    for action in ACTIONS.values():
        assert all(domain.holds(domain.draw(chance)) for domain in action.domains.values())
        assert action.words.endswith(".")


def test_a_random_script_is_the_same_for_the_same_seed_and_can_be_replayed() -> None:
    """Its seed gives the script, and the script gives the run."""
    first, second = (play_random(3, steps=15) for _ in range(2))
    assert first == second
    assert first.script != play_random(4, steps=15).script
    assert len(first.script.steps) == 15
    run, verdict = played(read_script(first.script.text()))
    assert verdict.holds is (first.broken is None)
    assert dict(run.reached) == first.reached


@pytest.mark.parametrize("start", STARTS)
def test_every_mistake_is_refused_for_its_own_reason(start: str) -> None:
    """On each profile and from each start; without a prescription, a bolus or a prime is refused for that."""
    run = Run(replace(SCRIPT, start=start, steps=[]))
    run.take(VISIT)
    for what in MISTAKES:
        run.take(Step("mistake", {"what": what}))
    run.take(Step("commit_of_another", {}))
    reasons = {what: wrong.reason.name.lower() for what, wrong in MISTAKES.items()}
    if start == "unprogrammed":
        reasons |= {"bolus_too_large": "unconfirmed", "prime_more_than_the_line": "unconfirmed"}
    missing = [what for what, reason in reasons.items() if not run.reached[f"mistake {what} refused {reason}"]]
    assert not missing
    assert run.reached["commit of another refused digest_mismatch"]


@pytest.mark.parametrize(
    ("reply", "complaint"),
    [
        (
            Accepted(TherapyState.STOPPED, NanolitresPerDay(0)),
            "not refused .library_mismatch. but answered: Accepted",
        ),
        (SelfTestReport(0), "not refused .* but answered: SelfTestReport"),
        (refusal(Reason.INCOMPLETE), "refused for incomplete, not for library_mismatch"),
    ],
)
def test_any_other_answer_to_a_mistake_breaks_the_run(
    monkeypatch: pytest.MonkeyPatch, reply: Message, complaint: str
) -> None:
    """To be accepted is wrong, to be answered like a proper request is, and so is another reason."""
    run = Run(replace(SCRIPT, start="unprogrammed", steps=[]))
    monkeypatch.setattr(run.world, "talk", lambda *_: reply)
    with pytest.raises(BrokenPropertyError, match=complaint):
        run.take(Step("mistake", {"what": "another_library"}))
