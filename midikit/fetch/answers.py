"""What an answer of the paid endpoint means, and whether it was charged.

========================================================  ============  ==========================
event                                                     charged       verdict
========================================================  ============  ==========================
no connection, no such host, failed TLS                   no            `NOT_SENT`
time-out, reset or close after the request went out       unknown       `UNKNOWN`
200 with instruments                                      yes           `DELIVERED`
200 not ready: running, pending, no instruments           undocumented  `RUNNING`
200 with a failed state                                   unknown       `FAILED`
200 cut short, no JSON, of another state                  likely        `UNKNOWN`
200 with another ``code`` in the body                     as that code  as that code
401, 403                                                  no            `STOPPED`: no clip passes
402; 403 or 429 that speaks of credits or a subscription  no            `STOPPED`: no clip passes
455, maintenance                                          no            `STOPPED`: no clip passes
429, 430; 503 with ``Retry-After``                        no            `LIMITED`
any other 4xx                                             no            `REFUSED`: this clip
504 of the provider itself: credits refunded              refunded      `REFUNDED`
any other 5xx, 3xx                                        unknown       `UNKNOWN`
========================================================  ============  ==========================

An answer of unknown outcome, 5xx included, may name a hosted .mid all the same; it is downloaded
for nothing. Pure: bytes and numbers in, an `Outcome` out.
"""

from __future__ import annotations

import enum
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from midikit.errors import (
    AnswerError,
    AuthenticationError,
    ClipRefusedError,
    CreditsError,
    DeadlineError,
    LimitError,
    MaintenanceError,
    NotSentError,
    PendingError,
    ProviderError,
    RateLimitedError,
    RemoteError,
    TaskFailedError,
    UnknownOutcomeError,
)
from midikit.escape import printable
from midikit.fetch.polling import in_words, seconds_to_wait
from midikit.parse.document import decode, unwrap
from midikit.parse.envelope import is_web_address, open_envelope
from midikit.parse.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["UNSURE", "Failure", "Outcome", "Reply", "Verdict", "classify", "find_midi_url"]

UNSURE = "it may have been charged and is not sent again by itself"
"""How a problem of unknown outcome ends."""

_MAX_BYTES = 1 << 26
_MAX_WORDS = 300
_MAX_SEARCHED = 4000
_MAX_DEPTH = 4
_CREDITS = re.compile(
    r"\b(credits?|subscri(?:ption|be|ptions)|balance|top[ -]?up)\b", re.IGNORECASE
)
_REFUND = re.compile(r"\brefund", re.IGNORECASE)
_NO_REFUND = re.compile(r"\b(?:no|not|non|never|without|cannot)\b[^.;]{0,40}refund", re.IGNORECASE)
_GATEWAY = re.compile(r"gate ?way|upstream|proxy|nginx|cloudflare", re.IGNORECASE)
_MIDI_URL = re.compile(rb'"midi_url"\s*:\s*("(?:[^"\\\x00-\x1f]|\\.){1,8000}")')
_TAG = re.compile(r"<(?:script|style)\b.*?</(?:script|style)>|<[^>]*>", re.IGNORECASE | re.DOTALL)


class Verdict(enum.Enum):
    """What became of one call."""

    DELIVERED = "delivered"
    RUNNING = "running"
    LIMITED = "limited"
    REFUNDED = "refunded"
    NOT_SENT = "not sent"
    REFUSED = "refused"
    STOPPED = "stopped"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, as far as it came.

    Parameters
    ----------
    status : int
        HTTP status.
    headers : mapping of str to str
        Names in lower case.
    body : bytes
        The decoded body.
    cut : str
        Why the body is not whole, empty if it is.
    sent : bytes
        The body before decoding, empty if nothing was decoded.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    cut: str = ""
    sent: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer.

    Parameters
    ----------
    sent : bool
        Whether a byte of the request may have left.
    problem : str
        What happened, fit for a terminal.
    """

    sent: bool
    problem: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an answer or a failure means.

    Parameters
    ----------
    verdict : Verdict
        What became of the call.
    problem : str
        What happened, with the provider's words, fit for a terminal.
    error : type of RemoteError
        What to raise if it ends here.
    retry_after : float or None
        Seconds the provider asks to wait.
    midi_url : str or None
        Address of the hosted .mid, as far as one can be found.
    """

    verdict: Verdict
    problem: str
    error: type[RemoteError]
    retry_after: float | None = None
    midi_url: str | None = None


def classify(reply: Reply | Failure, *, wall_seconds: float) -> Outcome:
    """Tell what an answer, or the lack of one, means.

    Parameters
    ----------
    reply : Reply or Failure
        What came back.
    wall_seconds : float
        Unix time, for dates in an answer that has no ``Date`` of its own.

    Returns
    -------
    Outcome
        The row of the table it is.

    Examples
    --------
    >>> reply = Reply(403, {}, b'{"message": "The remaining credits are not enough."}')
    >>> outcome = classify(reply, wall_seconds=0.0)
    >>> outcome.verdict, outcome.error.__name__
    (<Verdict.STOPPED: 'stopped'>, 'CreditsError')
    """
    if isinstance(reply, Failure):
        if not reply.sent:
            return Outcome(Verdict.NOT_SENT, reply.problem, NotSentError)
        problem = f"{reply.problem}; {UNSURE}"
        return Outcome(Verdict.UNKNOWN, problem, UnknownOutcomeError)
    if 200 <= reply.status < 300:
        return _read_success(reply, wall_seconds)
    root = _decoded(reply.body)
    return _by_code(reply.status, root, reply, wall_seconds)


def _read_success(reply: Reply, wall_seconds: float) -> Outcome:
    """Look into the body of a 2xx: it may be anything."""
    faults = Faults("", strict=False)
    root: Any = None
    try:
        root = decode(unwrap(reply.body, source="", max_bytes=_MAX_BYTES), faults)
        envelope = open_envelope(root, faults)
    except PendingError as error:
        problem = f"not ready yet, the state is {error.state!r}"
        return Outcome(Verdict.RUNNING, problem, DeadlineError)
    except ProviderError as error:
        return _by_provider(error, root, reply, wall_seconds)
    except (AnswerError, LimitError) as error:
        what = f"the answer is {reply.cut}" if reply.cut else f"no usable answer: {error}"
        return _unknown(what, find_midi_url(reply.body))
    return Outcome(Verdict.DELIVERED, "", RemoteError, midi_url=envelope.midi_url)


def _by_provider(error: ProviderError, root: Any, reply: Reply, wall_seconds: float) -> Outcome:
    """Read a refusal inside a 2xx: by its code, else as a task that failed."""
    if error.code.isascii() and error.code.isdigit() and 400 <= int(error.code) < 600:
        return _by_code(int(error.code), root, reply, wall_seconds)
    words = _words(root)
    said = f": {words}" if words else ""
    if error.path == "code":
        return _unknown(f"the provider answered code {error.code}{said}")
    problem = f"the provider says that the task failed ({error.code}){said}"
    return Outcome(Verdict.FAILED, problem, TaskFailedError)


def _by_code(code: int, root: Any, reply: Reply, wall_seconds: float) -> Outcome:
    """Read a status, or a code in its place."""
    words = _words(root)
    said = f"the provider answered {code}" + (f": {words}" if words else "")
    speaks_of_credits = bool(_CREDITS.search(_searched(root)))
    if code == 402 or (code in {403, 429} and speaks_of_credits):
        problem = f"{said}; add credits or renew the subscription, nothing was charged"
        return Outcome(Verdict.STOPPED, problem, CreditsError)
    if code in {401, 403}:
        problem = f"{said}; check the token in MIDIKIT_TOKEN, nothing was charged"
        return Outcome(Verdict.STOPPED, problem, AuthenticationError)
    if code == 455:
        problem = f"{said}; under maintenance, nothing was charged"
        return Outcome(Verdict.STOPPED, problem, MaintenanceError)
    wait = seconds_to_wait(
        reply.headers.get("retry-after"), reply.headers.get("date"), wall_seconds=wall_seconds
    )
    if code in {429, 430} or (code == 503 and wait is not None):
        if wait is not None:
            said += f"; it asks to wait {in_words(wait)}{_until(wall_seconds + wait)}"
        return Outcome(Verdict.LIMITED, said, RateLimitedError, retry_after=wait)
    if 400 <= code < 500:
        return Outcome(Verdict.REFUSED, f"{said}; nothing was charged", ClipRefusedError)
    if code == 504 and _is_refunded(root):
        return Outcome(Verdict.REFUNDED, f"{said}; the credit was refunded", TaskFailedError)
    if 300 <= code < 400:
        said += "; redirects are not followed, check MIDIKIT_BASE_URL"
    return _unknown(said, find_midi_url(reply.body))


def _unknown(problem: str, midi_url: str | None = None) -> Outcome:
    """Say that nobody knows whether a call was charged."""
    text = f"{problem}; {UNSURE}"
    return Outcome(Verdict.UNKNOWN, text, UnknownOutcomeError, midi_url=midi_url)


def _until(unix_seconds: float) -> str:
    """Write a moment, empty if it lies beyond what calendars hold."""
    try:
        moment = datetime.fromtimestamp(unix_seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return ""
    return f", until {moment:%Y-%m-%d %H:%M:%S} UTC"


def _is_refunded(root: Any) -> bool:
    """Tell the provider's own time-out, documented as refunded, from that of a gateway before it.

    A gateway's page or message says nothing of credits, and may have a `code` as the provider's
    body has; but it calls itself a gateway, or what is behind it upstream.
    """
    words = _searched(root)
    if _NO_REFUND.search(words):
        return False
    if _REFUND.search(words):
        return True
    own = isinstance(root, dict) and root.get("code") in (504, "504")
    return own and not _GATEWAY.search(words)


def _decoded(body: bytes) -> Any:
    """Return the JSON of a refusal, or its text where it is none."""
    try:
        return decode(unwrap(body, source="", max_bytes=_MAX_BYTES), Faults("", strict=False))
    except (AnswerError, LimitError):
        return _TAG.sub(" ", body[:_MAX_SEARCHED].decode("utf-8", "replace"))


def _texts(value: Any, depth: int = 0) -> list[str]:
    """Collect the provider's own words from the places where messages are."""
    if isinstance(value, str):
        text = " ".join(value[:_MAX_SEARCHED].split())
        return [text] if text else []
    if depth > _MAX_DEPTH:
        return []
    if isinstance(value, list):
        return [text for item in value[:10] for text in _texts(item, depth + 1)]
    if isinstance(value, dict):
        keys = ("message", "msg", "error", "detail", "reason", "data")
        held = (value[key] for key in keys if key in value)
        return [text for item in held for text in _texts(item, depth + 1)]
    return []


def _words(root: Any) -> str:
    """Return the provider's words for a message."""
    return printable("; ".join(dict.fromkeys(_texts(root))), _MAX_WORDS)


def _searched(root: Any) -> str:
    """Return the provider's words for looking something up in them."""
    return "; ".join(_texts(root))[:_MAX_SEARCHED]


def find_midi_url(fragment: bytes) -> str | None:
    r"""Find the address of the hosted .mid in an answer that is not whole.

    Parameters
    ----------
    fragment : bytes
        As much of it as came.

    Returns
    -------
    str or None
        The address, None if there is none or it is cut short too.

    Examples
    --------
    >>> find_midi_url(b'{"data": {"midi_url": "https:\\/\\/cdn.example\\/x.mid", "instr')
    'https://cdn.example/x.mid'
    """
    found = _MIDI_URL.search(fragment)
    if found is None:
        return None
    try:
        address = json.loads(found.group(1))
    except ValueError:
        return None
    return address if is_web_address(address) else None
