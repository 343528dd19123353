"""Where in an answer the instruments are, and whether it is a finished answer at all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from midikit.errors import PendingError, ProviderError
from midikit.escape import printable
from midikit.parse.document import RepeatedKeys, shown

if TYPE_CHECKING:
    from midikit.parse.faults import Faults

__all__ = ["COMPLETE", "Envelope", "is_web_address", "open_envelope", "settle", "state_word"]

COMPLETE = frozenset(["complete", "completed", "success", "succeeded", "finished", "done"])
"""States of a finished answer, as `state_word` writes them."""

_PENDING = frozenset(
    (
        *("running", "pending", "processing", "queued", "queueing", "in_queue", "in_progress"),
        *("submitted", "waiting", "created", "starting", "started", "initializing", "not_ready"),
    )
)
_FAILED = frozenset(
    (
        *("failed", "failure", "fail", "error", "errored", "cancelled", "canceled", "aborted"),
        *("timeout", "timed_out", "expired", "rejected"),
    )
)
_LISTS = ("instruments", "notes")
_ENVELOPE_KEYS = ("code", "success", "state", "data", "instruments", "midi_url")
_WEB_ADDRESS = re.compile(r"https?://[^\s\x00-\x20\x7f-\x9f\ud800-\udfff]{1,8000}\Z", re.IGNORECASE)
_MESSAGE_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Envelope:
    """What an answer holds, unread.

    Parameters
    ----------
    instruments : list or dict
        The instruments, or an object from name to notes.
    place : str
        Its JSON path.
    midi_url : str or None
        Address of the hosted .mid.
    """

    instruments: list[Any] | dict[str, Any]
    place: str
    midi_url: str | None


def state_word(state: str) -> str:
    """Bring a state into the form it is compared in.

    Parameters
    ----------
    state : str
        As the provider wrote it.

    Returns
    -------
    str
        Lower case, without space around it, underscores between words.

    Examples
    --------
    >>> state_word(" In-Progress ")
    'in_progress'
    """
    return state[:80].strip().lower().replace("-", "_").replace(" ", "_")


def is_web_address(address: str) -> bool:
    """Tell whether a text can be the address of a hosted file.

    Parameters
    ----------
    address : str
        Any text.

    Returns
    -------
    bool
        True for an http or https URL with a host and without spaces or control characters.

    Examples
    --------
    >>> is_web_address("https://cdn.example/x.mid"), is_web_address("file:///etc/passwd")
    (True, False)
    """
    if not _WEB_ADDRESS.match(address):
        return False
    try:
        return bool(urlsplit(address).hostname)
    except ValueError:
        return False


def settle(holder: dict[str, Any], place: str, keys: tuple[str, ...], faults: Faults) -> None:
    """Decide what counts where an object gives a key more than once.

    The last value counts, as for nearly every reader; two different lists of notes or instruments
    are joined, so that nothing that was paid for is lost.

    Parameters
    ----------
    holder : dict
        An object of the answer; changed in place if it is `RepeatedKeys`.
    place : str
        Its JSON path, empty for the whole answer.
    keys : tuple of str
        The keys that are read.
    faults : Faults
        Where it is noted.
    """
    if not isinstance(holder, RepeatedKeys):
        return
    for key in keys:
        values = [value for name, value in holder.pairs if name == key]
        if len(values) < 2:
            continue
        action = f"the last one counts: {shown(values[-1])}"
        if all(value == values[0] for value in values):
            action = "all the same, read once"
        elif key in _LISTS and all(isinstance(value, list) for value in values):
            holder[key] = [item for value in values for item in value]
            action = "the lists joined"
        found = f"the key is given {len(values)} times; expected once"
        faults.add("repeated-key", below(place, key), found, action)


def below(place: str, key: str) -> str:
    """Write the JSON path of a member.

    Parameters
    ----------
    place : str
        Path of the object, empty for the whole answer.
    key : str
        The member.

    Returns
    -------
    str
        The path.

    Examples
    --------
    >>> below("data", "state"), below("", "code")
    ('data.state', 'code')
    """
    return f"{place}.{key}" if place else key


def open_envelope(root: Any, faults: Faults) -> Envelope:
    """Find the instruments of a finished answer.

    Parameters
    ----------
    root : object
        The decoded answer.
    faults : Faults
        Where faults that cost no note are noted.

    Returns
    -------
    Envelope
        Where the instruments are.

    Raises
    ------
    PendingError
        If the answer is not ready.
    ProviderError
        If the provider refused or failed.
    AnswerError
        If it is no answer of the endpoint.
    """
    if not isinstance(root, dict):
        faults.refuse("", f"{shown(root)} is no answer; expected an object with instruments")
    settle(root, "", _ENVELOPE_KEYS, faults)
    _check_code(root, faults)
    _check_state(root, "", root, faults)
    body, place = _body(root, faults)
    if body is not root:
        settle(body, place, _ENVELOPE_KEYS, faults)
        _check_state(body, place, root, faults)
    address = _midi_url(root, body, place, faults)
    holder, place = _holder(root, body, place, faults)
    instruments = holder.get("instruments")
    if instruments is None:
        _refuse_empty(root, body, place, faults)
    if not isinstance(instruments, (list, dict)):
        found = f"{shown(instruments)} is no list of instruments; expected a list or an object"
        faults.refuse(below(place, "instruments"), found)
    return Envelope(instruments, below(place, "instruments"), address)


def _check_code(root: dict[str, Any], faults: Faults) -> None:
    """Refuse every code but 200, and ``success: false``."""
    code = root.get("code", 200)
    if isinstance(code, bool) or code not in (200, "200"):
        raise ProviderError(faults.source, "code", _word(code), _message(root))
    success = root.get("success")
    if success is False or (isinstance(success, str) and state_word(success) == "false"):
        error = root.get("error")
        word = error.get("code") if isinstance(error, dict) else None
        code = "success false" if word is None else _word(word)
        raise ProviderError(faults.source, "success", code, _message(root))


def _check_state(body: dict[str, Any], place: str, root: dict[str, Any], faults: Faults) -> None:
    """Raise unless the state, if there is one, is that of a finished answer."""
    state = body.get("state")
    where = below(place, "state")
    if state is None:
        return
    if not isinstance(state, str):
        faults.refuse(where, f"{shown(state)} is no state; expected complete or running")
    word = state_word(state)
    if word in _PENDING:
        raise PendingError(faults.source, where, word)
    if word in _FAILED:
        raise ProviderError(faults.source, where, word, _message(body) or _message(root))
    if word not in COMPLETE:
        faults.refuse(where, f"{shown(state)} is no known state; expected complete or running")


def _body(root: dict[str, Any], faults: Faults) -> tuple[dict[str, Any], str]:
    """Go into `data`: an object, a list of one object, or nothing if all lies at the top."""
    data = root.get("data")
    if isinstance(data, dict):
        return data, "data"
    if isinstance(data, list) and data:
        if len(data) > 1:
            faults.refuse("data", f"a list of {len(data):,} answers; expected one")
        if not isinstance(data[0], dict):
            faults.refuse("data[0]", f"{shown(data[0])} is no object; expected instruments in it")
        return data[0], "data[0]"
    if data is not None and data != []:
        faults.refuse("data", f"{shown(data)} is no object; expected one with instruments")
    if "data" in root and root.get("instruments") is None:
        _refuse_error(root, "", faults)
        raise PendingError(faults.source, "data", "no data")
    return root, ""


def _holder(
    root: dict[str, Any], body: dict[str, Any], place: str, faults: Faults
) -> tuple[dict[str, Any], str]:
    """Choose between instruments inside `data` and instruments at the top."""
    if body is root or root.get("instruments") is None:
        return body, place
    if body.get("instruments") is None:
        return root, ""
    if root["instruments"] != body["instruments"]:
        found = f"other instruments beside those of {place}; expected one list"
        faults.add("two-answers", "instruments", found, f"ignored, those of {place} count")
    return body, place


def _refuse_empty(root: dict[str, Any], body: dict[str, Any], place: str, faults: Faults) -> None:
    """Say what an answer without instruments is: refused, not ready, or no answer at all."""
    where = below(place, "instruments")
    _refuse_error(body, place, faults)
    _refuse_error(root, "", faults)
    for holder in (body, root):
        status = holder.get("status")
        if isinstance(status, str) and state_word(status) in _FAILED:
            path = below(place if holder is body else "", "status")
            raise ProviderError(faults.source, path, state_word(status), _message(root))
    if body.get("state") is not None or root.get("state") is not None:
        faults.refuse(where, "missing although the state is complete; expected a list")
    if body.get("midi_url") is not None or root.get("midi_url") is not None:
        faults.refuse(where, "missing although there is a midi_url; expected a list")
    if not any(key in root for key in (*_ENVELOPE_KEYS, "task_id", "msg")):
        if _message(root):
            raise ProviderError(faults.source, "message", "unknown", _message(root))
        faults.refuse(where, "missing; expected an answer of the endpoint")
    raise PendingError(faults.source, where, "no instruments")


def _refuse_error(holder: dict[str, Any], place: str, faults: Faults) -> None:
    """Raise what an answer without notes says in `error` or `detail`."""
    for key in ("error", "detail"):
        if holder.get(key):
            value = holder[key]
            code = value.get("code") if isinstance(value, dict) else None
            word = "unknown" if code is None else _word(code)
            raise ProviderError(faults.source, below(place, key), word, _message(holder))


def _word(code: object) -> str:
    """Write a provider's code, fit for a terminal."""
    return printable(code) if isinstance(code, str) else shown(code)


def _message(holder: dict[str, Any]) -> str:
    """Return the provider's own words, fit for a terminal."""
    for key in ("message", "msg", "error", "detail"):
        value = holder.get(key)
        if isinstance(value, dict):
            value = value.get("message") or value.get("detail")
        if isinstance(value, str) and value.strip():
            return printable(value.strip(), _MESSAGE_LENGTH)
    return ""


def _midi_url(root: dict[str, Any], body: dict[str, Any], place: str, faults: Faults) -> str | None:
    """Take the address of the hosted .mid, if it is one."""
    holder = body if body.get("midi_url") is not None else root
    address = holder.get("midi_url")
    if address is None or (isinstance(address, str) and is_web_address(address)):
        return address
    where = below(place if holder is body else "", "midi_url")
    found = f"{shown(address)} is no http or https address"
    faults.add("midi-url", where, found, "ignored, the song has no midi_url")
    return None
