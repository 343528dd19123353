"""Which clip meets which fault, and when.

A fault is written ``MODE`` for every clip, or ``CLIP=MODE`` for one, which then meets no other.
``MODE:TIMES`` says how many of a clip's calls or downloads it meets: a number, or ``forever``. Of
several faults of the same thing, the second begins when the first is over. Where ids choose their
faults, every part of an id but the last is one if it can be: ``500.running_3.song`` is answered
with 500 once, and is not ready three times.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from midikit.errors import InputError
from midikit.escape import quoted
from midikit.sandbox.faults import CALLS, FOREVER
from midikit.sandbox.file_faults import ADDRESS_FAULTS, FILES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from midikit.sandbox.faults import Fault

__all__ = ["FAULTS", "Rehearsal", "read_fault"]

FAULTS: Mapping[str, Fault] = {**CALLS, **ADDRESS_FAULTS, **FILES}
"""Every fault by its name."""

_FOREVER = "forever"
_MOST_DIGITS = 6

Chosen = tuple["Fault", int]
"""A fault and how often it happens."""


def _chosen(word: str, separator: str) -> Chosen | None:
    """Read a mode and how often it happens; None if it is none."""
    name, found, times = word.partition(separator)
    fault = FAULTS.get(name)
    if fault is None:
        return None
    if not found:
        return fault, fault.times
    if times == _FOREVER:
        return fault, FOREVER
    if times.isascii() and times.isdigit() and len(times) <= _MOST_DIGITS:
        return fault, int(times)
    return None


def read_fault(word: str) -> tuple[str | None, Fault, int]:
    """Read a fault as it is written.

    Parameters
    ----------
    word : str
        ``[CLIP=]MODE[:TIMES]``.

    Returns
    -------
    tuple of (str or None, Fault, int)
        The clip, None for every clip; the fault; how often it happens.

    Raises
    ------
    InputError
        If it cannot be read.

    Examples
    --------
    >>> clip_id, fault, times = read_fault("made-1=running:3")
    >>> clip_id, fault.tells, times
    ('made-1', 'is not ready yet', 3)
    >>> read_fault("5000")
    Traceback (most recent call last):
    midikit.errors.InputError: fault: got '5000'; expected [CLIP=]MODE[:TIMES]; ...
    """
    clip_id, equals, mode = word.rpartition("=")
    chosen = _chosen(mode, ":")
    if chosen is None or (equals and not clip_id):
        problem = f"got {quoted(word)}; expected [CLIP=]MODE[:TIMES]; midikit sandbox --fault list"
        raise InputError("", "fault", f"{problem} shows the modes")
    return clip_id or None, *chosen


class Rehearsal:
    """The faults of every clip.

    Parameters
    ----------
    words : sequence of str
        Faults as they are written.
    polls : int
        Calls of each clip that are answered with ``running`` after its other faults; a fault
        ``running`` takes their place.
    by_id : bool, optional
        Whether ids choose their faults.

    Raises
    ------
    InputError
        If a fault cannot be read.

    Examples
    --------
    >>> rehearsal = Rehearsal(["429:2"], polls=0)
    >>> [rehearsal.fault("a", "call", number) is not None for number in (1, 2, 3)]
    [True, True, False]
    """

    def __init__(self, words: Sequence[str], polls: int, *, by_id: bool = False) -> None:
        self._polls = polls
        self._by_id = by_id
        common: list[Chosen] = []
        own: dict[str, list[Chosen]] = {}
        for word in words:
            clip_id, fault, times = read_fault(word)
            (common if clip_id is None else own.setdefault(clip_id, [])).append((fault, times))
        self._common = self._ordered(common)
        self._own = {clip_id: self._ordered(chosen) for clip_id, chosen in own.items()}
        # Ids of a batch share their beginnings; the faults these name are read once.
        self._of_head = functools.lru_cache(1024)(self._read_head)

    @property
    def clips(self) -> frozenset[str]:
        """Clips that have faults of their own."""
        return frozenset(self._own)

    def fault(self, clip_id: str, target: str, number: int) -> Fault | None:
        """Tell which fault a request meets.

        Parameters
        ----------
        clip_id : str
            The clip.
        target : {"call", "address", "file"}
            What may be spoilt.
        number : int
            Which request of this kind for this clip it is, from 1.

        Returns
        -------
        Fault or None
            None if all goes well.
        """
        for fault, times in self._of(clip_id):
            if fault.target == target:
                number -= times
                if number <= 0:
                    return fault
        return None

    def _of(self, clip_id: str) -> tuple[Chosen, ...]:
        """Return the faults of a clip."""
        own = self._own.get(clip_id)
        if own is not None:
            return own
        if self._by_id and "." in clip_id:
            return self._of_head(clip_id.rpartition(".")[0])
        return self._common

    def _read_head(self, head: str) -> tuple[Chosen, ...]:
        """Read the faults that an id names; the common ones if it names none."""
        parts = (_chosen(part, "_") for part in head.split("."))
        found = [chosen for chosen in parts if chosen is not None]
        return self._ordered(found) if found else self._common

    def _ordered(self, chosen: Sequence[Chosen]) -> tuple[Chosen, ...]:
        """Put the polls where they belong."""
        running = CALLS["running"]
        if self._polls and all(fault is not running for fault, _ in chosen):
            return (*chosen, (running, self._polls))
        return tuple(chosen)
