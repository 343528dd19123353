"""What the conversation about a clip asks of the world, as values.

`conversation` yields these and is sent their results, so that it needs no clock, socket or disk of
its own. Whoever drives it, blocking or not, performs each and throws back into it what that raised.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx

    from midikit.fetch.archive import Record
    from midikit.fetch.polling import Deadline
    from midikit.fetch.telling import FetchEvent

__all__ = [
    "Get",
    "GiveBack",
    "Load",
    "Moment",
    "Now",
    "Post",
    "Rebuild",
    "Request",
    "Reserve",
    "Resolve",
    "Sleep",
    "Spend",
    "Spill",
    "Steps",
    "Store",
    "Tell",
    "Warm",
]


class Moment(NamedTuple):
    """The result of `Now`.

    Parameters
    ----------
    seconds : float
        On a monotonic clock.
    unix_seconds : float
        Unix time.
    jitter : float
        A random number from 0 to 1.
    """

    seconds: float
    unix_seconds: float
    jitter: float


@dataclass(frozen=True, slots=True)
class Now:
    """What time is it? Gives a `Moment`."""


@dataclass(frozen=True, slots=True)
class Warm:
    """Import what calls need, before the time of a call counts."""


@dataclass(frozen=True, slots=True)
class Load:
    """Look a clip up in the archive. Gives a `Stored` or None."""

    clip_id: str


@dataclass(frozen=True, slots=True)
class Reserve:
    """Take a clip for a first call, and note that it goes out. Gives a `Reserved`."""

    clip_id: str
    resend_unknown: bool


@dataclass(frozen=True, slots=True)
class Store:
    """Put a row and bytes into the archive, for good."""

    record: Record
    answer: bytes | None = field(default=None, repr=False)
    midi: bytes | None = field(default=None, repr=False)
    fragment: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Spend:
    """Take a credit from the budget."""

    clip_id: str


@dataclass(frozen=True, slots=True)
class GiveBack:
    """Give a credit back to the budget."""


@dataclass(frozen=True, slots=True)
class Post:
    """Send the paid call once. Gives a `Reply` or a `Failure`."""

    content: bytes
    limit: Deadline


@dataclass(frozen=True, slots=True)
class Resolve:
    """Ask for the addresses of a host. Gives a list of str; raises OSError."""

    host: str
    port: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Get:
    """Get a file from a stranger, at checked addresses. Gives a `Reply` or a `Failure`."""

    url: httpx.URL
    addresses: Sequence[str] | None
    max_bytes: int
    limit: Deadline


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Rebuild:
    """Make a .mid of the notes of an answer. Gives its bytes; raises if it cannot be read."""

    answer: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Spill:
    """Keep what the archive did not take in the temporary folder. Gives a path or None."""

    clip_id: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell whoever listens what happened."""

    event: FetchEvent


Request = (
    Now
    | Warm
    | Load
    | Reserve
    | Store
    | Spend
    | GiveBack
    | Post
    | Resolve
    | Get
    | Sleep
    | Rebuild
    | Spill
    | Tell
)
"""Anything that is yielded."""

_Result = TypeVar("_Result")
Steps = Generator[Request, Any, _Result]
