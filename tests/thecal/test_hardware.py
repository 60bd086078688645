"""``thecal hw``, ``thecal://`` and the options that put pace and damage on a line."""

import json
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

import thecal.urls
from emulator.programmer.programmer import Programmer
from emulator.programmer.results import Result
from hw.descriptor import DescriptorPort
from hw.ports import open_port
from hw.pty import VirtualPort
from hw.virtual import virtual_wiring
from protocol.conversation import Conversation
from protocol.keys import role_key
from protocol.messages import Interrogate, TherapyReport
from protocol.vocabulary import Role, Section
from tests.thecal.running import Run, StartPump

KEY = "00" * 31 + "01"


def test_the_list_is_a_document(run: Run) -> None:
    """Every port that the system knows is there, with what to do about it."""
    answer = run("hw", "list", "--json")
    assert answer.code == 0
    for port in answer.json()["ports"]:
        assert {"device", "chip", "driver", "holders", "remedies"} <= port.keys()


def test_the_list_without_any_port_says_what_needs_none(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """No adapter is no failure: a virtual port is named instead."""
    monkeypatch.setattr("thecal.hw_list.inventory", list)
    answer = run("hw", "list")
    assert answer.code == 0
    assert "pty:" in answer.err


def test_a_good_port_is_good(run: Run, tmp_path: Path) -> None:
    """Exit code 0, a line for each part, a picture of the latencies on the screen and in a file."""
    plot = tmp_path / "latency.svg"
    answer = run("hw", "check", "virtual:looped-pty", "--plot", str(plot))
    assert answer.code == 0
    assert "wiring       good" in answer.out
    assert "not possible here: a pseudo-terminal has none" in answer.out
    assert "█" in answer.out
    assert "fit to carry" in answer.out
    assert plot.read_text().lstrip().startswith("<?xml")


def test_a_damaged_line_is_a_failure_found(run: Run) -> None:
    """Exit code 1, and the document says which part and what."""
    answer = run("hw", "check", "virtual:looped-pty", "--impair", "flip=1e-2,seed=1", "--json")
    assert answer.code == 1
    document = answer.json()
    assert document["good"] is False
    assert "bad" in {part["verdict"] for part in document["parts"]}
    assert "damaged on purpose" in answer.err
    assert "flip" in answer.err


def test_a_port_that_is_not_looped_is_a_failure_found(run: Run, tmp_path: Path) -> None:
    """The words say that TX and RX are not joined."""
    with VirtualPort(tmp_path / "port"):
        answer = run("hw", "check", str(tmp_path / "port"))
    assert answer.code == 1
    assert "not joined" in answer.out


def test_a_pair_is_checked(run: Run) -> None:
    """Two joined ports are good."""
    answer = run("hw", "pair", "virtual:joined-ptys")
    assert answer.code == 0
    assert "TX goes to RX both ways" in answer.out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("check", "virtual:nonsense"), 2, "looped-pty"),
        (("check", "pty:/tmp/x"), 2, "give the link"),
        (("pair", "/dev/ttyUSB0"), 2, "second one"),
        (("pair", "virtual:looped-pty"), 2, "thecal hw check"),
        (("check", "loop://", "--impair", "flop=1"), 2, "there are flip"),
        (("check", "loop://", "--impair", "delay=1e-3"), 2, "--baud-pace"),
        (("check", "/no/such/port"), 3, "there is no port"),
    ],
)
def test_wrong_usage_says_what_to_do(run: Run, arguments: tuple[str, ...], code: int, words: str) -> None:
    """Never a stack trace: a sentence and the right exit code."""
    answer = run("hw", *arguments)
    assert answer.code == code
    assert words in answer.err


@pytest.fixture
def pump_port() -> Iterator[serial.SerialBase]:
    """Yield a stock pyserial port with a pump at its end."""
    assert thecal.urls.__name__ in serial.protocol_handler_packages
    with serial.serial_for_url(f"thecal://peristaltic?serial=URL-1&key={KEY}&seed=1", timeout=1) as port:
        yield port


def test_any_pyserial_program_can_open_a_pump(pump_port: serial.SerialBase) -> None:
    """A conversation over the address reads the pump's therapy."""

    class Plain:
        """The least that a conversation needs, over pyserial alone."""

        def write(self, data: bytes) -> None:
            """Write."""
            pump_port.write(data)

        def read(self, timeout_ms: int) -> bytes:
            """Read what is there, or wait."""
            pump_port.timeout = timeout_ms / 1_000
            return pump_port.read(1)

        def now_ms(self) -> int:
            """Stand still."""
            return 0

    key = role_key(bytes.fromhex(KEY), Role.OBSERVER)
    conversation = Conversation(Plain(), key, Role.OBSERVER, secrets.token_bytes)
    conversation.connect()
    assert conversation.serial == "URL-1"
    assert isinstance(conversation.request(Interrogate(Section.THERAPY)), TherapyReport)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("thecal://nonsense", "profile"),
        ("thecal://peristaltic?colour=red", "no option"),
        ("thecal://peristaltic?seed=x", "seed"),
        ("thecal://peristaltic?speed=fast", "fast"),
        ("thecal://peristaltic?fluid=water,1 mg/mL", "water"),
        ("thecal://peristaltic?serial=much-too-long-a-number", "serial number"),
    ],
)
def test_an_address_that_cannot_be_is_a_serial_exception(address: str, words: str) -> None:
    """Programs of others expect pyserial's own error, with our sentence in it."""
    with pytest.raises(serial.SerialException, match=words):
        serial.serial_for_url(f"{address}{'&' if '?' in address else '?'}key={KEY}")


def test_a_closed_pump_port_behaves_like_any(pump_port: serial.SerialBase) -> None:
    """Reading and writing after close is an error, and its lines are those of a port with nothing at them."""
    assert not any(getattr(pump_port, entry) for entry in ("cts", "dsr", "ri", "cd"))
    pump_port.rts = pump_port.dtr = pump_port.break_condition = True
    pump_port.timeout = 0
    assert pump_port.read(1) == b""
    pump_port.close()
    with pytest.raises(serial.SerialException):
        pump_port.write(b"x")


def test_a_program_that_cannot_be_changed_is_run_with_the_address(tmp_path: Path) -> None:
    """``python -m thecal.urls MODULE`` makes the address known to a module that knows nothing of it."""
    (tmp_path / "stranger.py").write_text(
        "import serial, sys\nprint(serial.serial_for_url(sys.argv[1]).port.partition('?')[0])\n"
    )
    command = [sys.executable, "-m", "thecal.urls", "stranger", f"thecal://valve?key={KEY}"]
    path = [str(tmp_path), str(Path(__file__).parents[2])]
    environment = {"PYTHONPATH": ":".join(path), "HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)  # noqa: S603
    assert done.stdout.strip() == "thecal://valve", done.stderr


def test_a_pump_is_served_over_the_network(run: Run, start_pump: StartPump, monkeypatch: pytest.MonkeyPatch) -> None:
    """``thecal pump --port serve:rfc2217://…`` answers a programmer that opens the address with pyserial."""
    pump = start_pump("--port", "serve:rfc2217://127.0.0.1:0")
    found = re.search(r"rfc2217://127\.0\.0\.1:[1-9]\d*", pump.said())
    assert found
    address = found[0]
    monkeypatch.setenv("XDG_DATA_HOME", str(pump.folder / "data"))
    answer = run("program", "--port", address, "--json", "interrogate", "--section", "identity")
    assert answer.code == 0, answer
    assert answer.json()["identity"]["serial"] == "THECAL-0001"


def test_a_conversation_survives_a_bad_slow_line(
    run: Run, start_pump: StartPump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At 38400 baud with a bit turned in every two thousand bytes, a bolus is done and done once."""
    capture = str(tmp_path / "pump.pcapng")
    pump = start_pump("--baud-pace", "38400", "--impair", "flip=5e-4,seed=3", "--capture", capture)
    monkeypatch.setenv("XDG_DATA_HOME", str(pump.folder / "data"))
    monkeypatch.setenv("THECAL_PORT", str(pump.link))
    assert run("program", "set", "--fluid", "morphine", "20 mg/mL", "--daily-dose", "1 mg/day", "--yes").code == 0
    answer = run("program", "--json", "bolus", "0.1 mg", "--over", "10 min")
    assert json.loads(answer.out)["result"] == "done"
    assert pump.end() == 0
    assert ", 0 damaged" not in run("hw", "decode", capture).out.splitlines()[-1], "the line was good"


def test_both_ends_survive_unplugging_in_the_middle_of_a_command(
    run: Run, start_pump: StartPump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plug is out when the bolus was sent: the result is asked for when it is in again, and is the truth."""
    with virtual_wiring("joined-ptys", tmp_path) as wiring:
        pump = start_pump("--port", wiring.far)
        monkeypatch.setenv("XDG_DATA_HOME", str(pump.folder / "data"))
        monkeypatch.setenv("THECAL_PORT", wiring.near)
        assert run("program", "set", "--fluid", "morphine", "20 mg/mL", "--daily-dose", "1 mg/day", "--yes").code == 0
        pulls: list[str] = []

        def opener(name: str, baud: int) -> DescriptorPort:
            port = open_port(name, baud)
            send = port.write

            def write(data: bytes) -> None:
                send(data)
                if pulls == ["armed"]:
                    pulls.append("pulled")
                    wiring.unplug()
                    pump._wait_for("waits for")
                    wiring.plug_in()

            monkeypatch.setattr(port, "write", write)
            return port

        bolus = Programmer.bolus

        def armed(programmer: Programmer, amount: str, duration: str, reason: str = "") -> Result:
            pulls.append("armed")
            return bolus(programmer, amount, duration, reason)

        monkeypatch.setattr("thecal.visit.open_port", opener)
        monkeypatch.setattr(Programmer, "bolus", armed)
        answer = run("program", "bolus", "0.1 mg", "--over", "10 min")
        assert pulls == ["armed", "pulled"]
        assert "plug it in again" in answer.err
        assert answer.code in {0, 1}, answer
        told = "done" if answer.code == 0 else "not done"
        assert answer.out.strip() == told
        view = run("program", "--json", "interrogate", "--section", "therapy").json()
        assert (view["therapy"]["state"] == "clinician_bolus") == (answer.code == 0)


def test_the_pump_is_found_again_after_it_was_away(run: Run, start_pump: StartPump, tmp_path: Path) -> None:
    """A pump whose port is unplugged lives on, says so, and answers when the port is back: on a real terminal."""
    port = VirtualPort(tmp_path / "adapter")
    pump = start_pump("--port", str(tmp_path / "adapter"))
    port.close()
    pump._wait_for("waits for")
    with VirtualPort(tmp_path / "adapter"):
        pump._wait_for("back")
    assert pump.end() == 0


@pytest.mark.parametrize("name", ["looped-pty", "looped-socket", "looped-rfc2217"])
def test_pump_and_programmer_share_one_looped_port(run: Run, tmp_path: Path, name: str) -> None:
    """``thecal loop`` gives its bolus through any port whose TX goes to its RX."""
    with virtual_wiring(name, tmp_path) as wiring:
        answer = run("loop", "--port", wiring.near)
    assert answer.code == 0, answer
    assert "both ends talk" in answer.out


def test_the_udev_rule_is_printed(run: Run) -> None:
    """Ready to be put into its file: nothing but the rule on stdout."""
    answer = run("hw", "rule")
    assert answer.code == 0
    assert answer.out.startswith("# USB-serial adapters")
    assert 'LABEL="thecal_end"' in answer.out


def test_without_a_virtual_controller_nothing_is_emulated(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 3, and the message names the module that is missing."""
    monkeypatch.setattr("hw.emulated.hub.CONTROLLER", tmp_path / "nothing")
    answer = run("hw", "emulate", "ft232r")
    assert answer.code == 3
    assert "modprobe vhci-hcd" in answer.err


def test_a_wire_has_two_ends(run: Run) -> None:
    """Three chips are wrong usage."""
    answer = run("hw", "emulate", "ft232r", "ch340", "cp2102")
    assert answer.code == 2
    assert "two ends" in answer.err
