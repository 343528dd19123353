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

from typing import TYPE_CHECKING

from midikit.errors import TokenError
from midikit.fetch.archive import check_clip_id
from midikit.fetch.asking import Asking, Delivered
from midikit.fetch.clip import Clip, Pending
from midikit.fetch.hosting import clip_of_answer, clip_of_archive
from midikit.fetch.polling import Deadline, poll_pause
from midikit.fetch.secret import TOKEN_VARIABLE
from midikit.fetch.steps import Load, Moment, Now, Warm

if TYPE_CHECKING:
    from midikit.fetch.archive import Record, Stored
    from midikit.fetch.net.addresses import HostPort
    from midikit.fetch.secret import Secret
    from midikit.fetch.steps import Steps

__all__ = ["conversation"]


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
    check_clip_id(clip_id)
    clip_id = str.__str__(clip_id)  # a plain str, as numpy's are not
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
    asking = Asking(clip_id, secret, limit, allowed, resend_unknown=resend_unknown, once=once)
    came = yield from asking.ask()
    if isinstance(came, Pending):
        return came
    if isinstance(came, Delivered):
        return (yield from clip_of_answer(*came, limit, allowed, patient=not once))
    assert came.answer is not None  # somebody else has fetched it in the meantime
    return (yield from clip_of_archive(came, came.answer, limit, allowed, patient=not once))


def _too_early(record: Record, moment: Moment) -> Pending | None:
    """Tell a clip that was asked for a moment ago; polls may be charged too."""
    if record.state != "running" or record.owner:
        return None
    wait = record.sent + poll_pause(record.calls - 1, 1.0) - moment.unix_seconds
    if not 0 < wait <= poll_pause(record.calls - 1, 1.0):  # or a clock was set
        return None
    return Pending(record.clip_id, wait, record.problem)
