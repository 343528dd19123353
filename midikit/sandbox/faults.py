"""What may go wrong with a paid call, as the sandbox plays it: the reply, and what it costs."""

from __future__ import annotations

import email.utils
import json
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from midikit.sandbox.replies import Reply, bomb, encoded, message, page, said

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from midikit.sandbox.ledger import Charge
    from midikit.sandbox.replies import Manner

__all__ = ["CALLS", "FOREVER", "Call", "Fault", "Made", "flaky", "sends"]

FOREVER = 10**9
"""How often a fault happens that does not end."""

_NO_CREDITS = "The remaining credits are not enough. Please top up."
_REFUNDED = "Task failed due to timeout. Credits were previously refunded."
_FLAKY_CALLS = 6
"""A flaky clip comes at this call at the latest."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a fault may know of the request that it spoils.

    Parameters
    ----------
    clip_id : str
        The clip.
    number : int
        Which request for this clip it is, from 1.
    good : callable
        Gives the body without any fault.
    hostile : callable
        Writes a hostile address by its name.
    seed : int
        Seed of what is left to chance.
    token : str
        The token that was sent.
    """

    clip_id: str
    number: int
    good: Callable[[], bytes]
    hostile: Callable[[str], str]
    seed: int = 0
    token: str = field(default="", repr=False)


Made: TypeAlias = "tuple[Reply, Charge]"
"""A reply, and what the call costs."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Parameters
    ----------
    tells : str
        What happens, in a line.
    make : callable
        Makes the reply to a request, and says what it costs.
    times : int, optional
        How many requests of a clip it meets unless it is said.
    target : {"call", "address", "file"}, optional
        Whether it meets the call, the ``midi_url`` in the answer, or the download.
    before, after : float, optional
        Seconds to wait before and after it is charged.
    """

    tells: str
    make: Callable[[Call], Made]
    times: int = 1
    target: Literal["call", "address", "file"] = "call"
    before: float = 0.0
    after: float = 0.0


def sends(reply: Reply, charge: Charge = "nothing") -> Callable[[Call], Made]:
    """Answer always the same.

    Parameters
    ----------
    reply : Reply
        The reply.
    charge : Charge, optional
        What it costs.

    Returns
    -------
    callable
        The `make` of a fault.
    """
    return lambda _: (reply, charge)


def _spoils(manner: Manner, charge: Charge = "credit") -> Callable[[Call], Made]:
    """Send the good answer in a bad manner."""
    return lambda call: (Reply(200, call.good(), manner=manner, delivers=True), charge)


def _delivers(call: Call) -> Made:
    """Answer as if nothing was wrong."""
    return Reply(200, call.good(), delivers=True), "credit"


def _redirects(status: int, name: str) -> Callable[[Call], Made]:
    """Redirect the call to a hostile address."""
    return lambda call: (
        Reply(status, headers=(("Location", call.hostile(name)),)),
        "nothing",
    )


def _echoes(status: int, charge: Charge = "nothing") -> Callable[[Call], Made]:
    """Quote the token in a message, as careless services do."""
    return lambda call: (said(status, f"Bad header: Authorization: Bearer {call.token}"), charge)


def _sings(call: Call) -> Made:
    """Quote the token in the name of a track."""
    body = json.loads(call.good())
    body["data"]["instruments"][0]["name"] = call.token
    return Reply(200, encoded(body), delivers=True), "credit"


def _waits_until(seconds: float) -> Callable[[Call], Made]:
    """Ask to wait until a date."""

    def make(_: Call) -> Made:
        until = email.utils.formatdate(time.time() + seconds, usegmt=True)
        return said(429, "Too Many Requests.", ("Retry-After", until)), "nothing"

    return make


def flaky(call: Call) -> Made:
    """Fail at random, but never so that a credit is lost.

    Parameters
    ----------
    call : Call
        The call; its seed, clip and number decide.

    Returns
    -------
    tuple of (Reply, Charge)
        One of 429, 503 and 504 in three calls of ten, else the answer; 504, after which a client
        gives up sooner, only at the first two calls.
    """
    roll = random.Random(f"{call.seed} {call.clip_id} {call.number}").random()  # noqa: S311 - play
    if call.number < _FLAKY_CALLS:
        if roll < 0.1:
            return said(429, "Too Many Requests.", ("Retry-After", "0")), "nothing"
        if roll < 0.2:
            return said(503, "Service Unavailable.", ("Retry-After", "0")), "nothing"
        if roll < 0.3 and call.number <= 2:
            return said(504, _REFUNDED), "refunded"
    return _delivers(call)


def _limited(*retry_after: str) -> Callable[[Call], Made]:
    """Answer 429."""
    headers = (("Retry-After", value) for value in retry_after)
    return sends(said(429, "Too Many Requests.", *headers))


def _refuses(code: int, text: str) -> Fault:
    """Refuse every call with a status."""
    return Fault(f"answers {code}: {text}", sends(said(code, text)), FOREVER)


_RUNNING = Reply(200, encoded(message(200, "success") | {"data": {"state": "running"}}))
_FAILED = {"state": "failed", "message": "no audio"}
_IN_200 = Reply(200, encoded(message(403, _NO_CREDITS) | {"data": None}))

CALLS: Mapping[str, Fault] = {
    "reset-before": Fault("resets the connection, charges nothing", _spoils("reset", "nothing")),
    "reset-charged": Fault("charges, then resets the connection", _spoils("reset")),
    "timeout-charged": Fault("charges, then never answers", _spoils("hang")),
    "stall-charged": Fault("charges, sends headers, then nothing", _spoils("stall")),
    "close-charged": Fault("charges, then closes without an answer", _spoils("close")),
    "cut-body": Fault("charges, then closes after half the answer", _spoils("cut")),
    "cut-chunked": Fault("the same in chunks", _spoils("cut chunked")),
    "drip": Fault("a byte of the answer every fifth of a second", _spoils("drip"), FOREVER),
    "slow": Fault("answers half a second late", _delivers, FOREVER, before=0.5),
    "slow-charged": Fault(
        "charges, and answers half a second later", _delivers, FOREVER, after=0.5
    ),
    "429": Fault("asks to wait a second", _limited("1")),
    "429-date": Fault("asks to wait until a date, 2 seconds ahead", _waits_until(2)),
    "429-past": Fault("asks to wait until a date that is past", _waits_until(-3600)),
    "429-day": Fault("asks to wait for a day", _limited("86400"), FOREVER),
    "429-bare": Fault("says to wait, not how long", _limited()),
    "429-junk": Fault("asks to wait 'soon'", _limited("soon")),
    "430": Fault("says that calls come too fast", sends(said(430, "Too fast."))),
    "500": Fault("answers 500", sends(said(500, "Internal Server Error."))),
    "500-charged": Fault("charges and answers 500", sends(said(500, "Internal."), "credit")),
    "502-html": Fault("answers 502 with a web page", sends(page(502, "502 Bad Gateway"))),
    "503": Fault("answers 503, says not how long", sends(said(503, "Service Unavailable."))),
    "503-after": Fault(
        "answers 503 and asks to wait a second",
        sends(said(503, "Service Unavailable.", ("Retry-After", "1"))),
    ),
    "504-refunded": Fault(
        "answers 504; charged, and refunded", sends(said(504, _REFUNDED), "refunded")
    ),
    "504-gateway": Fault(
        "charges; a gateway before it answers 504",
        sends(page(504, "504 Gateway Time-out"), "credit"),
    ),
    "400": _refuses(400, "task not found."),
    "401": _refuses(401, "Invalid authorization format."),
    "402": _refuses(402, "Payment Required."),
    "403": _refuses(403, "Forbidden."),
    "403-credits": _refuses(403, _NO_CREDITS),
    "404": _refuses(404, "Not Found."),
    "405": _refuses(405, "Method Not Allowed."),
    "409": _refuses(409, "Conflict."),
    "422": _refuses(422, "Unprocessable Entity."),
    "429-credits": _refuses(429, _NO_CREDITS),
    "455": _refuses(455, "Under maintenance."),
    "403-in-200": Fault("answers 200 with a code of 403 inside", sends(_IN_200), FOREVER),
    "html-200": Fault("charges and answers a web page", sends(page(200, "Oops"), "credit")),
    "not-json": Fault("charges and answers what is no JSON", sends(Reply(200, b"OK\n"), "credit")),
    "empty-200": Fault("charges and answers nothing with 200", sends(Reply(200), "credit")),
    "echo-400": Fault("answers 400 and quotes the token", _echoes(400), FOREVER),
    "echo-401": Fault("answers 401 and quotes the token", _echoes(401), FOREVER),
    "echo-500": Fault("answers 500 and quotes the token", _echoes(500)),
    "echo-html": Fault(
        "charges and answers a web page with the token",
        lambda call: (page(200, f"Bearer {call.token}"), "credit"),
    ),
    "echo-name": Fault("names a track after the token", _sings, FOREVER),
    "running": Fault("is not ready yet", sends(_RUNNING, "running")),
    "failed": Fault(
        "says that the task failed",
        sends(Reply(200, encoded({"code": 200, "data": _FAILED}))),
        FOREVER,
    ),
    **{
        f"redirect-{status}": Fault(
            f"redirects the call with {status}", _redirects(status, "canary"), FOREVER
        )
        for status in (301, 302, 303, 307, 308)
    },
    "bomb": Fault(
        "charges; 200 MB packed into 194 kB",
        lambda _: (Reply(200, bomb(b"{"), (("Content-Encoding", "gzip"),)), "credit"),
    ),
    "endless": Fault(
        "charges; an answer without an end", sends(Reply(200, b"{", manner="endless"), "credit")
    ),
    "flaky": Fault("429, 503 or refunded 504 at random", flaky, FOREVER),
}
"""The faults of calls by name."""
