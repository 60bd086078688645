"""The pause after failed proofs: it slows an intruder down and never locks a clinician out.

What keeps an intruder out is the key: at a million guesses a second, 2^256 possible ones outlast the universe. The
pause bounds what failing costs the *pump* (battery, log) and makes an attempt visible. It must not become the
attack itself: nobody who knows no key can be told from the clinician before the proof, so a pause hits both.
Therefore, whatever fails,

* a pause never exceeds ``LONGEST_PAUSE_MS``, and
* after every pause the door stays open for ``OPEN_MS``: failures in it are counted but start no pause.

So the worst that a flooder without a key can do: the clinician's handshake is in flight when a pause begins (lost:
less than one handshake), the pause passes (at most 8 s; the refusal tells how much is left), and then 2 s are the
clinician's to use however many bad proofs arrive in them. A handshake is two exchanges, 0.3 s at 9600 baud and
under 0.05 s at 115200, and the flooder's hellos cannot push it out, because the pump keeps nothing of a hello to be
pushed out of. Not counted: an intruder who jams the wire itself; against that no protocol helps, and the therapy
goes on without one.

An intruder in turn gets at most one fifth of the time.
"""

from __future__ import annotations

FAILURES_TO_PAUSE = 3
"""Honest programmers check the pump's proof before they send theirs, and so never fail; a broken one might."""
FIRST_PAUSE_MS = 1_000
"""Long against an exchange, short for a person."""
LONGEST_PAUSE_MS = 8_000
"""Doubled from the first pause; the longest that a clinician at the bedside should be asked to wait."""
OPEN_MS = 2_000
"""Room for a whole handshake at 9600 baud with every frame retransmitted twice."""
REPORT_AGAIN_MS = 3_600_000
"""A steady attack costs one log entry an hour, besides one at each doubling of the count: a log of a thousand entries
still holds what came before the last six weeks of it, and the wire's rate never becomes that of memory writes."""


class Backoff:
    """Counts failed proofs in a row and decides when handshakes are examined. Kept in RAM only."""

    def __init__(self) -> None:
        self.succeeded()

    def succeeded(self) -> None:
        """A correct proof: forget the run of failures. Only a holder of a key can bring this about."""
        self.failures = 0
        """In a row, since power-up or the last correct proof."""
        self._pause_ms = FIRST_PAUSE_MS
        self._closed_until_ms = 0
        self._open_until_ms = 0
        self._reported = 0
        self._reported_at_ms = 0

    def wait_ms(self, now_ms: int) -> int:
        """Return how long handshakes are still refused; 0 when they are examined."""
        return max(0, self._closed_until_ms - now_ms)

    def failed(self, now_ms: int) -> bool:
        """Count a failed proof; return whether the count is due to be reported."""
        self.failures += 1
        if self.failures >= FAILURES_TO_PAUSE and now_ms >= self._open_until_ms:
            self._closed_until_ms = now_ms + self._pause_ms
            self._open_until_ms = self._closed_until_ms + OPEN_MS
            self._pause_ms = min(2 * self._pause_ms, LONGEST_PAUSE_MS)
        return self._due(now_ms)

    def _due(self, now_ms: int) -> bool:
        due = self.failures >= 2 * self._reported or now_ms - self._reported_at_ms >= REPORT_AGAIN_MS
        if due:
            self._reported, self._reported_at_ms = self.failures, now_ms
        return due
