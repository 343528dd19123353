"""An answer as it may be kept and told: judged, and without the token."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from midikit.errors import UnknownOutcomeError
from midikit.fetch.answers import Failure, Outcome, Reply, Verdict, classify

if TYPE_CHECKING:
    from midikit.fetch.secret import Secret

__all__ = ["fragment_of", "judge"]


def judge(
    reply: Reply | Failure, token: Secret, *, unix_seconds: float
) -> tuple[Reply | Failure, Outcome]:
    """Classify an answer; mask the token in it, should the provider quote it.

    Parameters
    ----------
    reply : Reply or Failure
        What came back.
    token : Secret
        What was sent.
    unix_seconds : float
        Unix time, for dates in it.

    Returns
    -------
    reply : Reply or Failure
        As it may be kept. The token stays in it only where the notes could not be read without it,
        because it is a word of the answer.
    outcome : Outcome
        What it means; unknown if it cannot be looked into, for whatever reason.

    Examples
    --------
    >>> from midikit.fetch.secret import Secret
    >>> seen, outcome = judge(
    ...     Reply(401, {}, b"bad token opens-all"), Secret("opens-all"), unix_seconds=0.0
    ... )
    >>> seen.body, outcome.error.__name__
    (b'bad token [token]', 'AuthenticationError')
    """
    seen = reply
    if isinstance(reply, Reply):
        body, sent = token.redact_bytes(reply.body), token.redact_bytes(reply.sent)
        seen = replace(reply, body=body, sent=sent if body == reply.body else b"")
    outcome = _classified(seen, unix_seconds)
    if outcome.verdict is not Verdict.DELIVERED and seen != reply:
        whole = _classified(reply, unix_seconds)
        if whole.verdict is Verdict.DELIVERED:
            return reply, whole
    return seen, replace(outcome, problem=token.redact(outcome.problem))


def fragment_of(reply: Reply | Failure, outcome: Outcome) -> bytes:
    """Return what came of an answer that is not whole.

    Parameters
    ----------
    reply : Reply or Failure
        What came back.
    outcome : Outcome
        What it means.

    Returns
    -------
    bytes
        As it was sent; empty if nothing is worth keeping.

    Examples
    --------
    >>> reply = Reply(200, {}, b'{"midi_')
    >>> fragment_of(reply, classify(reply, wall_seconds=0.0))
    b'{"midi_'
    """
    if outcome.verdict is not Verdict.UNKNOWN or not isinstance(reply, Reply):
        return b""
    if not (200 <= reply.status < 300 or outcome.midi_url):
        return b""
    return reply.sent or reply.body


def _classified(reply: Reply | Failure, unix_seconds: float) -> Outcome:
    """Classify an answer, whatever happens."""
    try:
        return classify(reply, wall_seconds=unix_seconds)
    except Exception as error:  # noqa: BLE001 - a fault of ours must not cost a paid answer
        problem = f"the answer could not be looked into ({type(error).__name__})"
        return Outcome(Verdict.UNKNOWN, problem, UnknownOutcomeError)
