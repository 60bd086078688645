"""The pump's key on disk."""

import stat
from pathlib import Path

import click
import pytest

from thecal.keys import KEY, keep_key, key_file, new_key, stored_key

DIGITS = "00112233445566778899aabbccddeeff" * 2


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep keys in the test's own folder."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data"


def test_a_key_is_made_once_and_found_again() -> None:
    """A new key is 32 bytes that no other pump has, and comes back as it was made."""
    assert stored_key("TH-1") is None
    key = new_key()
    keep_key("TH-1", key)
    assert len(key) == 32
    assert stored_key("TH-1") == key
    assert new_key() != key


def test_only_the_owner_can_read_a_key() -> None:
    """File and folder are closed to others, whatever the umask says."""
    keep_key("TH-1", new_key())
    assert stat.S_IMODE(key_file("TH-1").stat().st_mode) == 0o600
    assert stat.S_IMODE(key_file("TH-1").parent.stat().st_mode) == 0o700


def test_a_key_is_never_replaced() -> None:
    """A key is not kept where there is one already: the old one may be a pump's only key."""
    keep_key("TH-1", new_key())
    with pytest.raises(FileExistsError):
        keep_key("TH-1", new_key())


def test_a_key_is_read_from_digits_or_from_a_file(tmp_path: Path) -> None:
    """64 hexadecimal digits, or @ and the file that holds them."""
    path = tmp_path / "key"
    path.write_text(DIGITS + "\n")
    assert KEY.convert(DIGITS, None, None) == bytes.fromhex(DIGITS)
    assert KEY.convert(f"@{path}", None, None) == bytes.fromhex(DIGITS)


@pytest.mark.parametrize("text", ["", "00", DIGITS + "00", "g" * 64, "@/no/such/file"])
def test_what_is_no_key_is_refused(text: str) -> None:
    """A key of the wrong length or alphabet, or a file that is not there, is wrong usage."""
    with pytest.raises(click.BadParameter):
        KEY.convert(text, None, None)


def test_a_wrong_key_is_not_repeated_in_the_message(tmp_path: Path) -> None:
    """A mistyped secret does not end up on the screen or in a log."""
    path = tmp_path / "key"
    path.write_text("secret")
    for text in ("secret", f"@{path}"):
        with pytest.raises(click.BadParameter) as refused:
            KEY.convert(text, None, None)
        assert "secret" not in refused.value.message
