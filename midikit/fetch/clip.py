"""What a fetch comes to: a clip, or the time to wait for one."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from midikit.model.song import Song

__all__ = ["Clip", "Pending"]


@dataclass(frozen=True)
class Clip:
    """A clip that was paid for.

    Parameters
    ----------
    clip_id : str
        Its id.
    raw : bytes
        The answer, byte for byte; only the token, should the service quote it, is masked.
    hosted : bytes or None
        The hosted .mid; one made of the notes if that is gone, see `rebuilt`; None if neither
        could be had.
    hosted_problem : str or None
        Why there is no hosted .mid, or what happened to it; None if all is well.
    from_archive : bool
        Whether it was there already, and nothing was paid for it.
    rebuilt : bool
        Whether `hosted` is not what was hosted, but made of the notes.
    """

    clip_id: str
    raw: bytes = field(repr=False)
    hosted: bytes | None = field(default=None, repr=False)
    hosted_problem: str | None = None
    from_archive: bool = False
    rebuilt: bool = False

    @functools.cached_property
    def song(self) -> Song:
        """The song, read when it is first asked for.

        Raises
        ------
        AnswerError
            If the answer cannot be read; it stays in the archive and in `raw`.
        """
        from midikit.parse.response import read_json  # noqa: PLC0415 - only if notes are wanted

        return read_json(self.raw)


@dataclass(frozen=True, slots=True)
class Pending:
    """A clip that is not ready; poll it again.

    Parameters
    ----------
    clip_id : str
        Its id.
    retry_after : float
        Seconds to wait before it is polled again.
    problem : str
        Why it is not ready.

    Examples
    --------
    >>> Pending("29fc9d9e", 1.5).retry_after
    1.5
    """

    clip_id: str
    retry_after: float
    problem: str = ""
