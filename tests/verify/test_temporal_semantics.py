"""The meaning of formulas, compared at every instant with definitions written down the slow and obvious way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verify.temporal.formula import (
    And,
    Before,
    Comparison,
    Constant,
    Eventually,
    Formula,
    Held,
    Implies,
    Not,
    Once,
    Or,
    Recently,
    Signal,
    Since,
    Soon,
)
from verify.temporal.parse import parse
from verify.temporal.semantics import Evaluation, Outcome, true_at
from verify.temporal.signals import COMPARISONS, Record, Steps, Vocabulary
from verify.temporal.switch import instant
from verify.temporal.writer import Writer

VOCABULARY = Vocabulary(frozenset({"a", "b", "c"}), {"x": None, "y": None})
EVENTS = 3
"""Most events in one millisecond."""
ORDERS = 7
"""Places in a millisecond that are looked at: nothing changes later than events and the depth of formulas allow."""
DEEPEST = 3
LONGEST_MS = 2
AFTER_MS = (DEEPEST + 1) * LONGEST_MS + 2
"""How far after the end values may still change, though no signal is known there."""

Truth = bool | None
Script = list[list[tuple[str, int]]]
"""For every millisecond the events in it: a signal and its new value."""


# --- the slow and obvious way ---------------------------------------------------------------------


class Obvious:
    """Every instant of a record and of some time after, in a list, and every formula by its definition."""

    def __init__(self, script: Script) -> None:
        self.instants = [(ms, order) for ms in range(len(script) + AFTER_MS) for order in range(ORDERS)]
        self.known = len(script) * ORDERS
        values = dict.fromkeys([*VOCABULARY.switches, *VOCABULARY.numbers], 0)
        self.values: list[dict[str, int]] = []
        for ms, order in self.instants[: self.known]:
            if order < len(script[ms]):
                name, value = script[ms][order]
                values = {**values, name: value}
            self.values.append(values)

    def column(self, formula: Formula) -> list[Truth]:  # noqa: PLR0911 - one definition for each kind of formula
        """Return what a formula is worth at every instant."""
        columns = [self.column(part) for part in formula.parts()]
        here: Callable[[Callable[..., Truth]], list[Truth]] = lambda rule: [  # noqa: E731
            rule(*row) for row in zip(*columns, strict=True)
        ]
        match formula:
            case Constant(value):
                return [value] * len(self.instants)
            case Signal(name):
                return self.recorded(lambda values: bool(values[name]))
            case Comparison(left, sign, right):
                compare = COMPARISONS[sign]
                return self.recorded(
                    lambda values: compare(values[left], right if isinstance(right, int) else values[right])
                )
            case Not():
                return here(lambda one: None if one is None else not one)
            case And():
                return here(lambda one, other: all_of([one, other]))
            case Or():
                return here(lambda one, other: some_of([one, other]))
            case Implies():
                return here(lambda one, other: some_of([None if one is None else not one, other]))
            case Before():
                return [False, *columns[0][:-1]]
            case _:
                return [self.elsewhere(formula, columns, now) for now in range(len(self.instants))]

    def elsewhere(self, formula: Formula, columns: list[list[Truth]], now: int) -> Truth:
        """Return what a formula that looks at other instants is worth now."""
        part, ms = columns[0], [ms for ms, _ in self.instants]
        past, future = range(now + 1), range(now, len(part))
        match formula:
            case Soon(within_ms):
                return some_of(part[then] for then in future if ms[then] <= ms[now] + within_ms)
            case Recently(within_ms):
                return some_of(part[then] for then in past if ms[then] >= ms[now] - within_ms)
            case Held(for_ms):
                begins = (then for then in past if ms[then] + for_ms <= ms[now])
                return some_of(all_of(part[then : now + 1]) for then in begins)
            case Once():
                return some_of(part[then] for then in past)
            case Eventually():
                return some_of(part[then] for then in future)
            case Since():
                return some_of(all_of([columns[1][then], *part[then + 1 : now + 1]]) for then in past)
        raise TypeError(formula)

    def recorded(self, rule: Callable[[dict[str, int]], bool]) -> list[Truth]:
        """Return a signal's values: known in the record and unknown after it."""
        return [*map(rule, self.values), *[None] * (len(self.instants) - self.known)]


def some_of(values: Iterable[Truth]) -> Truth:
    """Return whether one is true: surely, surely not, or nobody knows."""
    seen = set(values)
    return True if True in seen else None if None in seen else False


def all_of(values: Iterable[Truth]) -> Truth:
    """Return whether all are true."""
    seen = set(values)
    return False if False in seen else None if None in seen else True


def recorded(script: Script) -> Record:
    """Return the same script as a record."""
    write = Writer()
    for ms, events in enumerate(script):
        for name, value in events:
            write.go_to(ms)
            if name in VOCABULARY.numbers:
                write.number(name, value)
            else:
                write.level(name, bool(value))
    record = write.record()
    return Record(record.switches, record.numbers, instant(len(script)))


# --- scripts and formulas -------------------------------------------------------------------------

CHANGES = st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 1)) | st.tuples(
    st.sampled_from(["x", "y"]), st.integers(0, 2)
)
SCRIPTS = st.lists(st.lists(CHANGES, max_size=EVENTS), min_size=1, max_size=7)
SPANS = st.integers(0, LONGEST_MS)
LEAVES: st.SearchStrategy[Formula] = (
    st.sampled_from([Signal("a"), Signal("b"), Signal("c")])
    | st.booleans().map(Constant)
    | st.builds(
        Comparison,
        st.just("x"),
        st.sampled_from(sorted(COMPARISONS)),
        st.sampled_from(["x", "y"]) | st.integers(0, 2),
    )
)


def deeper(parts: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
    """Return formulas that are made of these."""
    return (
        st.one_of(*(st.builds(kind, parts) for kind in (Not, Once, Before, Eventually)))
        | st.one_of(*(st.builds(kind, SPANS, parts) for kind in (Soon, Recently, Held)))
        | st.one_of(*(st.builds(kind, parts, parts) for kind in (And, Or, Implies, Since)))
    )


FORMULAS = LEAVES
for _ in range(DEEPEST):
    FORMULAS = FORMULAS | deeper(FORMULAS)


A, B = Signal("a"), Signal("b")
ALONE: dict[str, Formula] = {
    "and": And(A, B),
    "or": Or(A, B),
    "implies": Implies(A, B),
    "since": Since(A, B),
    "since, of what was not": Since(Not(A), B),
    "since, of itself": Since(Not(A), A),
    "before": Before(A),
    "once": Once(A),
    "eventually": Eventually(A),
    "not eventually": Not(Eventually(A)),
    **{f"{kind.__name__} {span}": kind(span, A) for kind in (Soon, Recently, Held) for span in (0, 1, 2)},
    **{f"{kind.__name__} {span}, not": kind(span, Not(A)) for kind in (Soon, Recently, Held) for span in (0, 1, 2)},
    "soon, then before": Before(Soon(1, A)),
    "held recently": Recently(1, Held(1, A)),
}


@pytest.mark.parametrize("words", sorted(ALONE))
def test_every_operator_alone_means_what_its_definition_says(words: str) -> None:
    """On many crowded records, made from a seed, each operator and its definition agree at every instant."""
    chance = Random(words)
    for _ in range(60):
        script: Script = [
            [(chance.choice("ab"), chance.randint(0, 1)) for _ in range(chance.randint(0, EVENTS))] for _ in range(4)
        ]
        assert_agrees(script, ALONE[words])


def assert_agrees(script: Script, formula: Formula) -> None:
    """Compare at every instant of the record."""
    obvious, evaluation = Obvious(script), Evaluation(recorded(script))
    column = obvious.column(formula)[: obvious.known]
    ours = [true_at(evaluation, formula, instant(*when)) for when in obvious.instants[: obvious.known]]
    assert ours == column


@settings(max_examples=300)
@given(script=SCRIPTS, formula=FORMULAS)
def test_every_instant_is_worth_what_the_definitions_say(script: Script, formula: Formula) -> None:
    """At every instant of the record, formula and definition agree: true, false, or not decided by the record."""
    assert_agrees(script, formula)


@given(script=SCRIPTS, formula=FORMULAS)
def test_the_outcome_is_that_of_all_instants(script: Script, formula: Formula) -> None:
    """A formula is violated if false somewhere, pending if undecided somewhere and false nowhere, and else holds."""
    obvious = Obvious(script)
    worth = all_of(obvious.column(formula)[: obvious.known])
    expected = {True: Outcome.HOLDS, False: Outcome.VIOLATED, None: Outcome.PENDING}[worth]
    judgement = Evaluation(recorded(script)).judge(formula)
    if not isinstance(formula, Not):  # an outer “always”, which is a “not”, is judged as what it contains
        assert judgement.outcome is expected
    if judgement.outcome is Outcome.VIOLATED:
        assert judgement.violations >= len(judgement.episodes) > 0


@given(script=SCRIPTS, more=SCRIPTS, formula=FORMULAS)
def test_what_is_decided_stays_decided(script: Script, more: Script, formula: Formula) -> None:
    """However a record goes on, an instant that was true stays true, and one that was false stays false."""
    before, after = Evaluation(recorded(script)), Evaluation(recorded([*script, *more]))
    for ms in range(len(script)):
        for order in range(EVENTS):
            was = true_at(before, formula, instant(ms, order))
            assert was is None or true_at(after, formula, instant(ms, order)) is was


# --- the edges, one by one ------------------------------------------------------------------------


def judged(text: str, script: Script) -> Outcome:
    """Return the outcome of a formula on a script."""
    return Evaluation(recorded(script)).judge(parse(text, VOCABULARY)).outcome


@pytest.mark.parametrize(("at_ms", "outcome"), [(3, Outcome.HOLDS), (4, Outcome.VIOLATED)])
def test_a_deadline_includes_its_last_millisecond(at_ms: int, outcome: Outcome) -> None:
    """What is due within 3 ms is in time anywhere in the third millisecond after, also last of all, and then late."""
    script: Script = [[("a", 1), ("a", 0)], [], [], [], [], []]
    script[at_ms] = [("c", 1), ("c", 0), ("b", 1)]
    assert judged("a implies within 3 ms b", script) is outcome


def test_a_deadline_that_the_record_does_not_reach_is_pending() -> None:
    """A record that ends in the last millisecond of a deadline decides it; one that ends before does not."""
    assert judged("a implies within 3 ms b", [[("a", 1), ("a", 0)], [], []]) is Outcome.PENDING
    assert judged("a implies within 3 ms b", [[("a", 1), ("a", 0)], [], [], []]) is Outcome.VIOLATED


def test_things_in_one_millisecond_keep_their_order() -> None:
    """A stroke before the stop is none while stopped, though both are in one millisecond; one after it is."""
    assert judged("a implies never b", [[("b", 1), ("b", 0), ("a", 1)], []]) is Outcome.HOLDS
    assert judged("a implies never b", [[("a", 1), ("b", 1), ("b", 0)], []]) is Outcome.VIOLATED


def test_what_comes_and_goes_in_one_millisecond_was_there() -> None:
    """Nothing is too short to be seen: it is true from its event until just before the next."""
    assert judged("never (a and b)", [[("a", 1), ("b", 1), ("a", 0)]]) is Outcome.VIOLATED
    assert judged("a implies once b", [[("b", 1), ("b", 0), ("a", 1)]]) is Outcome.HOLDS


def test_a_stretch_is_half_open() -> None:
    """A signal is true at the instant of its event and no longer true at the instant that ends it."""
    assert judged("never (a and not b)", [[], [("b", 1), ("a", 1)], [("a", 0), ("b", 0)]]) is Outcome.HOLDS
    assert judged("never (a and b)", [[("a", 1)], [("a", 0), ("b", 1)]]) is Outcome.HOLDS


def test_held_for_counts_from_its_beginning() -> None:
    """``for 2 ms a`` is true from the second millisecond after a became true, until a ends."""
    script: Script = [[], [("b", 1), ("a", 1)], [], [], [("a", 0)], []]
    evaluation = Evaluation(recorded(script))
    formula = parse("for 2 ms a", VOCABULARY)
    assert [true_at(evaluation, formula, instant(ms)) for ms in range(6)] == [False, False, False, True, False, False]


def test_a_silence_at_the_end_is_no_violation_yet() -> None:
    """``every`` asks for the next within the time, until its premise ends; at the end of a record it is pending."""
    text = "a implies every 2 ms b"
    assert judged(text, [[("a", 1)], [("b", 1), ("b", 0)], []]) is Outcome.PENDING
    assert judged(text, [[("a", 1)], [("b", 1), ("b", 0)], [("a", 0)], [], [], []]) is Outcome.HOLDS
    assert judged(text, [[("a", 1)], [("b", 1), ("b", 0)], [], [], []]) is Outcome.VIOLATED


def test_an_outer_always_says_nothing_new() -> None:
    """Every formula is judged at every instant, so ``always`` in front does not make it wait for the end of time."""
    assert judged("always (x <= 1)", [[("x", 1)], []]) is Outcome.HOLDS
    assert judged("a implies always not b", [[("a", 1)], []]) is Outcome.PENDING


def test_a_violation_says_when_and_in_which_episode() -> None:
    """The first false instant, the last of that stretch, and the premise that demanded it."""
    script: Script = [[], [("a", 1)], [], [], [], [], [("a", 0)], []]
    judgement = Evaluation(recorded(script)).judge(parse("a implies within 2 ms not a", VOCABULARY))
    assert (judgement.outcome, judgement.premises, judgement.violations) == (Outcome.VIOLATED, 1, 1)
    (episode,) = judgement.episodes
    assert (episode.at_ms, episode.until_ms) == (1, 3)
    assert (episode.premise_from_ms, episode.premise_until_ms) == (1, 5)


def test_a_premise_is_counted_each_time_that_it_becomes_true() -> None:
    """A premise that never became true is counted as 0; a formula without one has no count."""
    script: Script = [[("a", 1)], [("a", 0)], [("a", 1), ("a", 0)], []]
    evaluation = Evaluation(recorded(script))
    premises = [
        evaluation.judge(parse(text, VOCABULARY)).premises for text in ("a implies b", "c implies b", "not c")
    ]
    assert premises == [2, 0, None]


def test_many_violations_are_counted_and_the_first_described() -> None:
    """A formula that is false a thousand times does not drown the reader, and no count is lost."""
    script: Script = [[("a", ms % 2)] for ms in range(2000)]
    judgement = Evaluation(recorded(script)).judge(parse("not a", VOCABULARY))
    assert (judgement.violations, len(judgement.episodes)) == (1000, 5)


def test_a_number_is_zero_before_it_is_said() -> None:
    """Two numbers that change at different instants are compared at each of them."""
    record = Record({}, {"x": Steps([instant(2)], [1]), "y": Steps([instant(1), instant(3)], [1, 0])}, instant(5))
    formula = parse("x = y", VOCABULARY)
    evaluation = Evaluation(record)
    assert [true_at(evaluation, formula, instant(ms)) for ms in range(5)] == [True, False, True, False, False]


def test_more_than_a_million_things_in_a_millisecond_are_refused() -> None:
    """There is no room for them, and a wrong order would be worse than an error."""
    with pytest.raises(ValueError, match="in one millisecond"):
        instant(5, 1 << 20)
