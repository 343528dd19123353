"""When to ask again: pauses, ``Retry-After`` and deadlines, as arithmetic.

Nothing here reads a clock, sleeps or draws a random number: moments are seconds on whatever
monotonic clock the caller uses, and `jitter` is a number from 0 to 1 that the caller drew.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from midikit.errors import InputError
from midikit.escape import quoted

__all__ = [
    "FIRST_PAUSE",
    "LONGEST_PAUSE",
    "Deadline",
    "in_words",
    "last_call_room",
    "poll_pause",
    "retry_pause",
    "seconds_to_wait",
]

FIRST_PAUSE = 1.5
"""Seconds before the first poll, at most."""

LONGEST_PAUSE = 20.0
"""Seconds between later polls, at most."""

_GROWTH = 1.6
_LEAST_SHARE = 0.8
"""Jitter shortens a pause to this share at most; the next pause is longer all the same."""

_FIRST_RETRY = 0.5
_LEAST_RETRY_SHARE = 0.5
_MARGIN_SHARE = 0.1
_MARGIN_SECONDS = 2.0
_MOST_ROOM_SHARE = 1 / 3
_NUMBER = re.compile(r"[0-9]{1,300}(?:\.[0-9]{1,300})?")
_MAX_HEADER = 700


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment at which everything about one clip ends.

    Parameters
    ----------
    start : float
        When it began, seconds on the caller's monotonic clock.
    seconds : float
        How long it may take in all.

    Raises
    ------
    InputError
        If `seconds` is not a finite number above 0.

    Examples
    --------
    >>> Deadline(100.0, 30.0).left(110.0)
    20.0
    """

    start: float
    seconds: float

    def __post_init__(self) -> None:
        try:
            sound = math.isfinite(self.seconds) and self.seconds > 0
        except (TypeError, OverflowError):
            sound = False
        if not sound:
            problem = f"got {quoted(self.seconds)}; expected seconds, more than 0"
            raise InputError("", "deadline", problem)

    def left(self, now: float) -> float:
        """Tell what is left.

        Parameters
        ----------
        now : float
            Seconds on the same clock as `start`.

        Returns
        -------
        float
            Seconds, never negative.
        """
        return max(0.0, self.start + self.seconds - now)


def poll_pause(polls: int, jitter: float) -> float:
    """Tell how long to wait before the next poll.

    Parameters
    ----------
    polls : int
        Pauses made so far.
    jitter : float
        A number from 0 to 1.

    Returns
    -------
    float
        Seconds, from `FIRST_PAUSE` growing to `LONGEST_PAUSE`, at most a fifth less by jitter.

    Examples
    --------
    >>> [round(poll_pause(n, 1.0), 1) for n in range(8)]
    [1.5, 2.4, 3.8, 6.1, 9.8, 15.7, 20.0, 20.0]
    """
    whole = min(LONGEST_PAUSE, FIRST_PAUSE * _GROWTH ** min(polls, 50))
    return whole * (_LEAST_SHARE + (1.0 - _LEAST_SHARE) * jitter)


def retry_pause(retries: int, jitter: float) -> float:
    """Tell how long to back off before a call that certainly cost nothing is made again.

    Parameters
    ----------
    retries : int
        Retries made so far.
    jitter : float
        A number from 0 to 1.

    Returns
    -------
    float
        Seconds, doubling from half a second to `LONGEST_PAUSE`, at most halved by jitter.

    Examples
    --------
    >>> [retry_pause(n, 1.0) for n in range(7)]
    [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0]
    """
    whole = min(LONGEST_PAUSE, _FIRST_RETRY * 2.0 ** min(retries, 50))
    return whole * (_LEAST_RETRY_SHARE + (1.0 - _LEAST_RETRY_SHARE) * jitter)


def last_call_room(deadline_seconds: float, slowest_seconds: float) -> float:
    """Tell how much time the last call before a deadline needs.

    A call that the deadline cuts off leaves nobody knowing whether it was charged, so none is
    begun that is likely to end so.

    Parameters
    ----------
    deadline_seconds : float
        The whole time allowed.
    slowest_seconds : float
        How long the slowest answer so far took.

    Returns
    -------
    float
        Seconds: what the slowest answer took and a margin of a tenth of the deadline, 2 at most;
        never more than a third of the deadline, since one slow answer says little of the next.

    Examples
    --------
    >>> [round(last_call_room(300.0, seconds), 1) for seconds in (0.2, 4.0, 150.0)]
    [2.2, 6.0, 100.0]
    """
    margin = min(_MARGIN_SECONDS, _MARGIN_SHARE * deadline_seconds)
    return min(slowest_seconds + margin, _MOST_ROOM_SHARE * deadline_seconds)


def seconds_to_wait(
    retry_after: str | None, answered: str | None, *, wall_seconds: float
) -> float | None:
    """Read a ``Retry-After`` header.

    Parameters
    ----------
    retry_after : str or None
        The header: seconds, or an HTTP date.
    answered : str or None
        The ``Date`` header of the same answer, against which a date is measured.
    wall_seconds : float
        Unix time of the caller, used where there is no usable `answered`.

    Returns
    -------
    float or None
        Seconds, 0 for a date that has passed; None if there is no header or it is junk.

    Examples
    --------
    >>> seconds_to_wait("120", None, wall_seconds=0.0)
    120.0
    >>> noon, later = "Sun, 06 Nov 1994 12:00:00 GMT", "Sun, 06 Nov 1994 12:00:30 GMT"
    >>> seconds_to_wait(later, noon, wall_seconds=0.0), seconds_to_wait(noon, later, wall_seconds=0)
    (30.0, 0.0)
    >>> seconds_to_wait("soon", noon, wall_seconds=0.0) is None
    True
    """
    if retry_after is None:
        return None
    text = retry_after[:_MAX_HEADER].strip(" \t")
    if _NUMBER.fullmatch(text):
        return float(text)
    moment = _unix_seconds(text)
    if moment is None:
        return None
    now = _unix_seconds(answered) if answered else None
    return max(0.0, moment - (wall_seconds if now is None else now))


def _unix_seconds(http_date: str) -> float | None:
    """Read an HTTP date in any of its three forms; None if it is junk."""
    try:
        moment = parsedate_to_datetime(http_date[:_MAX_HEADER])
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def in_words(seconds: float) -> str:
    """Write a time to wait as people say it.

    Parameters
    ----------
    seconds : float
        How long.

    Returns
    -------
    str
        Seconds below two minutes, else minutes, hours or days.

    Examples
    --------
    >>> in_words(1.5), in_words(90), in_words(86_400), in_words(1e300)
    ('1.5 s', '90 s', '24 h 0 min', 'more than a year')
    """
    if seconds < 120:
        return f"{seconds:.3g} s"
    if seconds > 366 * 86_400:
        return "more than a year"
    minutes = math.ceil(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    if minutes <= 72 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{math.ceil(minutes / 1440)} days"
