"""The token is checked once and shown never."""

from __future__ import annotations

import copy
import os
import pickle
import pprint
from typing import TYPE_CHECKING

import pytest

from midikit.errors import TokenError
from midikit.fetch.secret import Secret, find_token

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "sk-Zq7-do-not-show-me-4411"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the user's own token out of the tests."""
    monkeypatch.setenv("MIDIKIT_HOME", str(tmp_path))
    monkeypatch.delenv("MIDIKIT_TOKEN", raising=False)
    return tmp_path


def store(home: Path, text: str, mode: int = 0o600) -> None:
    """Write the token's file."""
    (home / "token").write_text(text)
    (home / "token").chmod(mode)


def test_no_way_of_showing_shows_it() -> None:
    """Prints, formats, containers and pprint all get the mask."""
    secret = Secret(TOKEN)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r:>20}", f"{[secret]}"]
    shown += [f"{secret:>30}", pprint.pformat({"token": secret}), "%s" % secret]  # noqa: UP031
    assert all("***" in text and TOKEN not in text for text in shown)
    assert not hasattr(secret, "__dict__")


def test_it_is_neither_pickled_nor_copied() -> None:
    """A worker process or a cache on disk never gets it by accident."""
    secret = Secret(TOKEN)
    for action in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="neither pickled nor copied") as caught:
            action(secret)
        assert TOKEN not in str(caught.value)


def test_white_space_around_it_is_taken_off() -> None:
    """The line break of an echo into a file is no part of a token."""
    assert Secret(f" {TOKEN}\r\n").reveal() == TOKEN


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "  \n",
        f"{TOKEN} x",
        f"{TOKEN}\nx",
        f"{TOKEN}\x00x",
        f"{TOKEN}é",
        TOKEN * 1000,
        None,
        b"x",
    ],
)
def test_what_cannot_be_sent_is_refused_without_quoting_it(bad: str) -> None:
    """The message says what to do and holds nothing of the token."""
    with pytest.raises(TokenError, match="MIDIKIT_TOKEN") as caught:
        Secret(bad)
    assert TOKEN[:6] not in f"{caught.value}{caught.value.args}"


def test_the_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """An argument comes first, and no token at all is not yet an error."""
    monkeypatch.setenv("MIDIKIT_TOKEN", TOKEN + "\n")
    found = find_token()
    assert found is not None
    assert found.reveal() == TOKEN
    given = find_token("another-token")
    assert given is not None
    assert given.reveal() == "another-token"
    assert find_token(found) is found
    monkeypatch.setenv("MIDIKIT_TOKEN", " ")
    assert find_token() is None
    with pytest.raises(TokenError, match="empty"):
        find_token("")


def test_it_is_masked_in_what_others_say() -> None:
    """A provider that quotes the token does not make us quote it."""
    secret = Secret(TOKEN)
    assert secret.redact(f"bad {TOKEN}!") == "bad [token]!"
    assert secret.redact_bytes(f"bad {TOKEN}!".encode()) == b"bad [token]!"
    assert Secret("abc").redact("abcdef") == "abcdef"


def test_a_private_file_holds_the_token_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is used where neither an argument nor the environment has one."""
    store(home, f"{TOKEN}\n")
    found = find_token()
    assert found is not None
    assert found.reveal() == TOKEN
    monkeypatch.setenv("MIDIKIT_TOKEN", "another-token")
    again = find_token()
    assert again is not None
    assert again.reveal() == "another-token"


def test_the_token_of_the_file_goes_to_no_other_host(home: Path) -> None:
    """It is for the base on its second line, else for the default one."""
    store(home, f"{TOKEN}\n")
    assert find_token(base_url="http://127.0.0.1:8000/x") is None
    store(home, f"{TOKEN}\nhttp://127.0.0.1:8000/x/\n")
    assert find_token(base_url="http://127.0.0.1:8000/x") is not None
    assert find_token() is None


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_that_others_can_read_is_refused(home: Path, mode: int) -> None:
    """One line says which file and what to do; the token is not in it."""
    store(home, TOKEN, mode)
    with pytest.raises(TokenError, match=r"token: others can read the token; run chmod 600"):
        find_token()


@pytest.mark.parametrize("text", ["", "\n", "two words\n", "caf\u00e9\n"])
def test_a_file_without_a_token_is_told(home: Path, text: str) -> None:
    """As an empty variable or one with spaces in it is."""
    store(home, text)
    with pytest.raises(TokenError, match="the token"):
        find_token()


def test_a_link_in_the_place_of_the_file_is_not_followed(home: Path) -> None:
    """Nobody else decides which file is read."""
    (home / "elsewhere").write_text(TOKEN)
    (home / "token").symlink_to(home / "elsewhere")
    with pytest.raises(TokenError, match="token: cannot be read"):
        find_token()
