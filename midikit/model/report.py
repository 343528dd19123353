"""What was wrong with an input, and what a conversion decided: two lists that are never mixed."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Change", "Repair", "counted"]


@dataclass(frozen=True, slots=True)
class Repair:
    """One fault of an input and what was done about it; ``strict=True`` makes it an error instead.

    Parameters
    ----------
    kind : str
        A stable word for the fault, such as ``velocity-range`` or ``hanging-note``.
    place : str
        Where: a JSON path, or a byte offset and track in words.
    found : str
        What was found, fit for a terminal.
    action : str
        What was done: ``dropped``, ``clipped to 127`` …
    count : int, optional
        How many equal faults this row stands for.
    offset : int or None, optional
        Byte offset in a .mid.
    track : int or None, optional
        Index of the MTrk chunk in a .mid.

    Examples
    --------
    >>> print(Repair("velocity-range", "data.instruments[0].notes[1].velocity", "500", "dropped"))
    data.instruments[0].notes[1].velocity: 500; dropped
    """

    kind: str
    place: str
    found: str
    action: str
    count: int = 1
    offset: int | None = None
    track: int | None = None

    def __str__(self) -> str:
        times = f" ({self.count:,} times)" if self.count > 1 else ""
        return f"{self.place}: {self.found}; {self.action}{times}"


@dataclass(frozen=True, slots=True)
class Change:
    """One decision of a conversion: nothing was wrong, but the output is not the input.

    Parameters
    ----------
    kind : str
        A stable word for the decision, such as ``program`` or ``overlap``.
    where : str
        What it concerns, usually a track's name, fit for a terminal.
    what : str
        What was decided, in words.
    count : int, optional
        How many notes or events it concerns.

    Examples
    --------
    >>> print(Change("program", "Koto", "plays Koto (program 107), found by its name"))
    Koto: plays Koto (program 107), found by its name
    """

    kind: str
    where: str
    what: str
    count: int = 1

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what


def counted(number: int, noun: str) -> str:
    """Say how many there are of something.

    Parameters
    ----------
    number : int
        How many.
    noun : str
        What, in the singular.

    Returns
    -------
    str
        Both, the noun in the plural unless there is one.

    Examples
    --------
    >>> counted(1, "byte"), counted(2000, "byte")
    ('1 byte', '2,000 bytes')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
