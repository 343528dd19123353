"""What to do after each outcome: deliver, wait or give up.

A call that cost nothing, or whose credit was refunded, is made again a few times; a clip that is
running is asked for until the deadline; everything else ends here. Pure: the caller has the clock,
sleeps and sends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from midikit.errors import (
    AuthenticationError,
    BudgetError,
    CreditsError,
    DeadlineError,
    MaintenanceError,
    OutputError,
    RateLimitedError,
    RemoteError,
    TokenError,
)
from midikit.fetch.answers import Verdict
from midikit.fetch.polling import (
    FIRST_PAUSE,
    in_words,
    last_call_room,
    poll_pause,
    retry_pause,
)

if TYPE_CHECKING:
    from midikit.fetch.answers import Outcome

__all__ = [
    "MAX_LIMITED",
    "MAX_REFUNDED",
    "MAX_UNSENT",
    "Step",
    "Tally",
    "advance",
    "advance_once",
    "ends_batch",
]

MAX_UNSENT = 3
"""Calls made again, in a row, when no connection came about."""

MAX_LIMITED = 12
"""Calls made again, in a row, when the provider asks to wait."""

MAX_REFUNDED = 2
"""Calls of a clip made again after its credit was refunded."""

_LEAST_LAST_PAUSE = FIRST_PAUSE / 2
_ENDING = (
    AuthenticationError,
    BudgetError,
    CreditsError,
    MaintenanceError,
    OutputError,
    TokenError,
)


@dataclass(frozen=True, slots=True)
class Tally:
    """The calls made for a clip so far.

    Parameters
    ----------
    posts : int
        All calls.
    polls : int
        Those answered with a state that is not ready.
    refunded : int
        Those refunded.
    limited : int
        Those last in a row answered with a request to wait.
    unsent : int
        Those last in a row that were not sent.
    slowest_seconds : float
        How long the slowest answer took.
    """

    posts: int = 0
    polls: int = 0
    refunded: int = 0
    limited: int = 0
    unsent: int = 0
    slowest_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Step:
    """What to do next.

    Parameters
    ----------
    tally : Tally
        The calls so far, the last one counted.
    pause : float
        Seconds to wait before the next call; 0 if there is none.
    error : RemoteError or None
        What to raise; with neither an error nor `delivered` the next call follows.
    delivered : bool
        Whether the answer is complete.
    """

    tally: Tally
    pause: float = 0.0
    error: RemoteError | None = None
    delivered: bool = False


def advance(
    tally: Tally,
    outcome: Outcome,
    *,
    clip_id: str,
    took_seconds: float,
    left_seconds: float,
    deadline_seconds: float,
    jitter: float,
) -> Step:
    """Decide what to do after one call.

    Parameters
    ----------
    tally : Tally
        The calls before it.
    outcome : Outcome
        What became of it.
    clip_id : str
        The clip, for the errors.
    took_seconds : float
        How long it took.
    left_seconds : float
        What is left of the deadline.
    deadline_seconds : float
        The whole of the deadline.
    jitter : float
        A number from 0 to 1.

    Returns
    -------
    Step
        Deliver, wait or give up.
    """
    tally = _counted(tally, outcome, took_seconds)
    verdict = outcome.verdict
    room = last_call_room(deadline_seconds, tally.slowest_seconds)
    if verdict is Verdict.DELIVERED:
        return Step(tally, delivered=True)
    if verdict is Verdict.RUNNING:
        until_poll = min(poll_pause(tally.polls - 1, jitter), left_seconds - room)
        if until_poll >= _LEAST_LAST_PAUSE:
            return Step(tally, pause=until_poll)
        problem = (
            f"not finished after {in_words(deadline_seconds - left_seconds)} and "
            f"{_calls(tally.posts)}: {outcome.problem}; {in_words(left_seconds)} are left of the "
            "deadline, too little for another call; fetch it again with a longer one"
        )
        return Step(tally, error=DeadlineError(clip_id, problem))
    pause = _free_pause(tally, outcome, jitter)
    if pause is None:
        return Step(tally, error=_error(outcome, clip_id, tally))
    if pause + room > left_seconds:
        late = f"; only {in_words(left_seconds)} are left of the deadline's "
        late += in_words(deadline_seconds)
        return Step(tally, error=_error(outcome, clip_id, tally, late))
    return Step(tally, pause=pause)


def advance_once(outcome: Outcome, *, clip_id: str, calls: int, jitter: float) -> Step:
    """Decide what to do after the one call of a poll.

    Parameters
    ----------
    outcome : Outcome
        What became of it.
    clip_id : str
        The clip, for the errors.
    calls : int
        Calls sent for it, this one too.
    jitter : float
        A number from 0 to 1.

    Returns
    -------
    Step
        Deliver; poll again after its pause, if the clip is running or the provider asks to wait;
        or give up, which leaves it to the caller when to try again.
    """
    tally = _counted(Tally(), outcome, 0.0)
    if outcome.verdict is Verdict.DELIVERED:
        return Step(tally, delivered=True)
    if outcome.verdict is Verdict.RUNNING:
        return Step(tally, pause=poll_pause(calls - 1, jitter))
    if outcome.verdict is Verdict.LIMITED:
        asked = outcome.retry_after
        return Step(tally, pause=retry_pause(calls - 1, jitter) if asked is None else asked)
    return Step(tally, error=_error(outcome, clip_id, tally))


def ends_batch(error: Exception, deadline: float) -> bool:
    """Tell whether what ended one clip would end every other.

    Parameters
    ----------
    error : Exception
        What ended it.
    deadline : float
        Seconds that each clip may take.

    Returns
    -------
    bool
        True for a refused token, an empty account or budget, maintenance, an archive that takes
        nothing, and a wait beyond the deadline.

    Examples
    --------
    >>> ends_batch(CreditsError("29fc9d9e", "no credits"), 300.0)
    True
    """
    if isinstance(error, RateLimitedError):
        return error.retry_after is not None and error.retry_after > deadline
    return isinstance(error, _ENDING)


def _counted(tally: Tally, outcome: Outcome, took_seconds: float) -> Tally:
    """Count one more call."""
    verdict = outcome.verdict
    answered = verdict is not Verdict.NOT_SENT
    return replace(
        tally,
        posts=tally.posts + 1,
        polls=tally.polls + (verdict is Verdict.RUNNING),
        refunded=tally.refunded + (verdict is Verdict.REFUNDED),
        limited=tally.limited + 1 if verdict is Verdict.LIMITED else 0,
        unsent=0 if answered else tally.unsent + 1,
        slowest_seconds=max(tally.slowest_seconds, took_seconds if answered else 0.0),
    )


def _free_pause(tally: Tally, outcome: Outcome, jitter: float) -> float | None:
    """Return the pause before a call that may be made again, None if it may not."""
    verdict = outcome.verdict
    if verdict is Verdict.NOT_SENT and tally.unsent <= MAX_UNSENT:
        return retry_pause(tally.unsent - 1, jitter)
    if verdict is Verdict.REFUNDED and tally.refunded <= MAX_REFUNDED:
        return retry_pause(tally.refunded - 1, jitter)
    if verdict is Verdict.LIMITED and tally.limited <= MAX_LIMITED:
        asked = outcome.retry_after
        return retry_pause(tally.limited - 1, jitter) if asked is None else asked
    return None


def _error(outcome: Outcome, clip_id: str, tally: Tally, late: str = "") -> RemoteError:
    """Make the error that ends a clip."""
    problem = outcome.problem
    if outcome.verdict is Verdict.NOT_SENT:
        problem += f"; {_calls(tally.unsent)} in a row not sent, which cost nothing"
    elif outcome.verdict is Verdict.REFUNDED:
        problem += f" ({_calls(tally.refunded)}); fetch it again later"
    elif outcome.verdict is Verdict.LIMITED:
        problem += late or f"; the same for {_calls(tally.limited)} in a row"
        problem += "; nothing was charged for that, fetch it again later"
        return RateLimitedError(clip_id, problem, outcome.retry_after)
    return outcome.error(clip_id, problem)


def _calls(count: int) -> str:
    """Write a number of calls."""
    return f"{count:,} call{'' if count == 1 else 's'}"
