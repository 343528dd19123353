"""The conversation about one clip: archive first, then ask, wait, store, download.

A generator of `steps` without a clock, a socket or a disk: `Client` and `AsyncClient` perform what
it asks for. It decides with `answers` and `attempts`; its own matter is the order of things::

    look into the archive               what is there is never paid for again
    reserve the clip                    the intent is on disk before the first call
    call                                every further call writes its intent first
    store the outcome                   before anything else is done with it
    wait, call again                    as far as `attempts` allows
    download the hosted .mid            at once; if it is gone, one is made of the notes

However it ends, by an error or an interrupt, the archive then holds the truth, and nobody holds the
clip. A call that an interrupt cut off is of unknown outcome.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from midikit.errors import DeadlineError, InputError, TokenError, UnknownOutcomeError
from midikit.escape import quoted
from midikit.fetch.archive import Record
from midikit.fetch.asking import Asking
from midikit.fetch.clip import Clip, Pending
from midikit.fetch.hosting import clip_of_answer, clip_of_archive
from midikit.fetch.keeping import moment_of, reason_of
from midikit.fetch.polling import Deadline, poll_pause
from midikit.fetch.secret import TOKEN_VARIABLE
from midikit.fetch.steps import GiveBack, Load, Moment, Now, Reserve, Sleep, Spend, Tell, Warm
from midikit.fetch.telling import FetchEvent

if TYPE_CHECKING:
    from midikit.fetch.addresses import HostPort
    from midikit.fetch.archive import Reserved, Stored
    from midikit.fetch.secret import Secret
    from midikit.fetch.steps import Steps

__all__ = ["conversation"]

_MAX_CLIP_ID = 200
_CLIP_ID = re.compile(rf"[\x21-\x7e]{{1,{_MAX_CLIP_ID}}}")
_FIRST_HELD_PAUSE = 0.1
_LONGEST_HELD_PAUSE = 1.0


def conversation(
    clip_id: str,
    *,
    secret: Secret | None,
    deadline: float,
    allowed: frozenset[HostPort] = frozenset(),
    resend_unknown: bool = False,
    once: bool = False,
) -> Steps[Clip | Pending]:
    """Get a clip: from the archive, else from the endpoint, which costs a credit.

    Parameters
    ----------
    clip_id : str
        The clip.
    secret : Secret or None
        The token; None if there is none, which is enough for what is in the archive.
    deadline : float
        Seconds in all.
    allowed : frozenset of (str, int), optional
        Hosts that a download may reach though they are private.
    resend_unknown : bool, optional
        Ask again for a clip of which nobody knows whether it was charged.
    once : bool, optional
        Make one call at most and never wait.

    Returns
    -------
    Clip or Pending
        The clip, at the end; with `once` perhaps the time to wait for it.

    Raises
    ------
    MidikitError
        As `Client.fetch`.
    """
    moment: Moment = yield Now()
    limit = Deadline(moment.seconds, deadline)
    _check_clip_id(clip_id)
    stored: Stored | None = yield Load(clip_id)
    if stored is not None and stored.answer is not None:
        return (yield from clip_of_archive(stored, stored.answer, limit, allowed, patient=not once))
    if secret is None:
        raise TokenError(clip_id, f"no token; set {TOKEN_VARIABLE} to the token of your account")
    if once and stored is not None and (early := _too_early(stored.record, moment)):
        return early
    yield Warm()
    moment = yield Now()
    limit = Deadline(moment.seconds, deadline)
    taken = yield from _take(clip_id, limit, resend_unknown=resend_unknown, once=once)
    if isinstance(taken, Pending):
        return taken
    if not isinstance(taken, Record):  # somebody else has fetched it in the meantime
        assert taken.answer is not None
        return (yield from clip_of_archive(taken, taken.answer, limit, allowed, patient=not once))
    asking = Asking(taken, secret, limit, allowed, once=once)
    pending = yield from asking.ask()
    if pending is not None:
        return pending
    row, raw, url = asking.delivered
    return (yield from clip_of_answer(row, raw, url, limit, allowed, patient=not once))


def _too_early(record: Record, moment: Moment) -> Pending | None:
    """Tell a clip that was asked for a moment ago; polls may be charged too."""
    if record.state != "running" or record.owner:
        return None
    wait = record.sent + poll_pause(record.calls - 1, 1.0) - moment.unix_seconds
    if not 0 < wait <= poll_pause(record.calls - 1, 1.0):  # or a clock was set
        return None
    return Pending(record.clip_id, wait, record.problem)


def _take(
    clip_id: str, limit: Deadline, *, resend_unknown: bool, once: bool
) -> Steps[Record | Stored | Pending]:
    """Wait until nobody else fetches a clip, and keep it from others.

    Gives its row as it was before; or what somebody else has stored meanwhile.
    """
    pause = _FIRST_HELD_PAUSE
    while True:
        yield Spend(clip_id)
        try:
            reserved: Reserved = yield Reserve(clip_id, resend_unknown)
        except Exception:
            yield GiveBack()
            raise
        before = reserved.record
        if reserved.granted:
            return before or Record(clip_id, "refundable")
        yield GiveBack()
        assert before is not None
        if before.state == "delivered":
            stored: Stored | None = yield Load(clip_id)
            if stored is not None and stored.answer is not None:
                return stored
            raise InputError(f"clip {clip_id}", "", "delivered, but its answer is not there")
        if not before.owner:
            raise UnknownOutcomeError(clip_id, _not_resent(before))
        problem = "another process or thread is still fetching it"
        yield Tell(FetchEvent(clip_id, "held", before.state, before.calls, problem=problem))
        if once:
            return Pending(clip_id, _LONGEST_HELD_PAUSE, problem)
        moment: Moment = yield Now()
        if limit.left(moment.seconds) <= pause:
            problem = "another process or thread was still fetching it at the deadline"
            raise DeadlineError(clip_id, f"{problem}; fetch it again")
        yield Sleep(pause)
        pause = min(2 * pause, _LONGEST_HELD_PAUSE)


def _not_resent(record: Record) -> str:
    """Say why a clip is not asked for again, and how it can be."""
    moment = moment_of(record)
    asked = f"asked for on {moment}" if moment else "asked for"
    return (
        f"{asked}, and it may have been charged: {reason_of(record)}; not sent again; "
        "resend_unknown=True, or midikit fetch --resend-unknown, sends it for up to a credit more"
    )


def _check_clip_id(clip_id: object) -> None:
    """Refuse what cannot be the id of a clip."""
    if not isinstance(clip_id, str) or not _CLIP_ID.fullmatch(clip_id):
        problem = (
            f"got {quoted(clip_id)}; expected 1 to {_MAX_CLIP_ID} printable ASCII characters "
            "without spaces"
        )
        raise InputError("", "clip id", problem)
