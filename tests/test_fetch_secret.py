"""The token is checked once and shown never."""

from __future__ import annotations

import copy
import pickle
import pprint

import pytest

from midikit.errors import TokenError
from midikit.fetch.secret import Secret, find_token

TOKEN = "sk-Zq7-do-not-show-me-4411"


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
