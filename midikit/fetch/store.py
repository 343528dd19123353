"""What `Client` asks of whatever keeps the things that were paid for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from midikit.fetch.marks import Mark

__all__ = ["Store", "Stored"]


@dataclass(frozen=True, slots=True)
class Stored:
    """What an archive has of a clip.

    Parameters
    ----------
    clip_id : str
        The clip.
    raw : bytes
        The answer, byte for byte.
    hosted : bytes or None
        The hosted .mid, None if there is none or it is damaged.
    hosted_problem : str or None
        What is wrong with the stored .mid, None if nothing is.
    """

    clip_id: str
    raw: bytes = field(repr=False)
    hosted: bytes | None = field(default=None, repr=False)
    hosted_problem: str | None = None


class Store(Protocol):
    """What `Client` asks of an archive."""

    def hold(self, clip_id: str) -> AbstractContextManager[bool]:
        """Keep a clip from every other fetch, of this process or another, for a ``with`` block.

        Parameters
        ----------
        clip_id : str
            The clip.

        Returns
        -------
        context manager of bool
            Whether it is held; False, at once, if somebody else holds it. What a process holds is
            free when the process has ended, however it ended.

        Raises
        ------
        OutputError
            On entering, if nothing can be written or held.
        """

    def load_mark(self, clip_id: str) -> Mark | None:
        """Return what is known of a clip whose answer is not there.

        Parameters
        ----------
        clip_id : str
            The clip.

        Returns
        -------
        Mark or None
            None if nothing was sent for it that may have been charged.

        Raises
        ------
        InputError
            If that cannot be read.
        """

    def store_mark(self, clip_id: str, mark: Mark | None) -> None:
        """Replace the mark of a clip; before a paid call, and again with its outcome.

        When this returns the mark survives a power cut. That it can be written is also the test
        that an answer could be.

        Parameters
        ----------
        clip_id : str
            The clip.
        mark : Mark or None
            The mark, None to remove it.

        Raises
        ------
        OutputError
            If it cannot be written.
        """

    def load(self, clip_id: str) -> Stored | None:
        """Return what there is of a clip.

        Parameters
        ----------
        clip_id : str
            The clip.

        Returns
        -------
        Stored or None
            Verified; None if no answer of it was stored.

        Raises
        ------
        InputError
            If the answer is there but damaged or unreadable.
        """

    def store_answer(self, clip_id: str, raw: bytes) -> None:
        """Keep a complete answer, for good when this returns.

        Parameters
        ----------
        clip_id : str
            The clip.
        raw : bytes
            The body, byte for byte.

        Raises
        ------
        OutputError
            If it cannot be written.
        """

    def store_hosted(self, clip_id: str, data: bytes) -> None:
        """Keep the hosted .mid of a clip.

        Parameters
        ----------
        clip_id : str
            The clip.
        data : bytes
            The file.

        Raises
        ------
        OutputError
            If it cannot be written.
        """

    def store_fragment(self, clip_id: str, data: bytes) -> str:
        """Keep what came of an answer that was not whole, beside what came before.

        Parameters
        ----------
        clip_id : str
            The clip.
        data : bytes
            As much as came.

        Returns
        -------
        str
            Where it is, in words for a message.

        Raises
        ------
        OutputError
            If it cannot be written.
        """

    def list(self) -> tuple[str, ...]:
        """Return the ids of the clips whose answer is there.

        Returns
        -------
        tuple of str
            Clip ids, sorted.
        """
