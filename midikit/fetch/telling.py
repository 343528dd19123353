"""What is told while clips are fetched: events for a callback, lines for the ``midikit`` logger.

Nothing is printed unless the program that uses the library asks for it. The token is in none of it:
it is masked in the provider's words before anybody reads them.
"""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from midikit.fetch.polling import in_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from midikit.fetch.archive import State

__all__ = ["FetchEvent", "What", "tell"]

What = Literal["held", "sending", "answered", "waiting", "hosted", "rebuilt", "unsaved"]
"""What an event can be about."""

_LOGGER = logging.getLogger("midikit")
_LOGGER.addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class FetchEvent:
    """Something that happened to a clip.

    Parameters
    ----------
    clip_id : str
        The clip.
    what : {"held", "sending", "answered", "waiting", "hosted", "rebuilt", "unsaved"}
        Somebody else is fetching it; a paid call goes out; its outcome is in the archive; a pause
        begins; the hosted .mid is there; the .mid was made of the notes instead; the archive did
        not take what was paid for.
    state : str
        The state of the clip, as in the archive.
    calls : int
        Paid calls sent for it so far.
    credits_at_risk : int
        Calls that may have been charged while no answer to them is stored.
    seconds : float
        How long the pause is.
    problem : str
        What went wrong, fit for a terminal.

    Examples
    --------
    >>> print(FetchEvent("29fc9d9e", "waiting", "running", 1, 1, 1.5))
    clip 29fc9d9e: waiting 1.5 s (running, 1 call, 1 credit at risk)
    """

    clip_id: str
    what: What
    state: State
    calls: int = 0
    credits_at_risk: int = 0
    seconds: float = 0.0
    problem: str = ""

    def __str__(self) -> str:
        pause = f" {in_words(self.seconds)}" if self.what == "waiting" else ""
        calls = f"{self.calls:,} call{'' if self.calls == 1 else 's'}"
        risk = self.credits_at_risk
        credits_ = f"{risk:,} credit{'' if risk == 1 else 's'} at risk"
        problem = f": {self.problem}" if self.problem else ""
        return (
            f"clip {self.clip_id}: {self.what}{pause} ({self.state}, {calls}, {credits_}){problem}"
        )


def tell(event: FetchEvent, listener: Callable[[FetchEvent], object] | None) -> None:
    """Tell the logger and a listener; neither costs a clip by raising.

    Parameters
    ----------
    event : FetchEvent
        What happened.
    listener : callable or None
        Who listens besides the logger.
    """
    alarming = event.state == "unknown" or event.what == "unsaved"
    _log(logging.WARNING if alarming else logging.INFO, "%s", event)
    if listener is None:
        return
    try:
        listener(event)
    except Exception as error:  # noqa: BLE001 - somebody may have been paid by now
        # Without its traceback: logs are read by others, and its frames are not ours.
        raised = type(error).__name__
        _log(logging.ERROR, "on_event raised %s for clip %s", raised, event.clip_id)


def _log(level: int, text: str, *values: object) -> None:
    """Tell the logger, whose handlers and filters are somebody else's and may raise."""
    with contextlib.suppress(Exception):
        _LOGGER.log(level, text, *values)
