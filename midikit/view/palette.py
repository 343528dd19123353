"""How each part of a song looks, on paper and on a screen, on white and on dark.

The seven hues are those of Okabe and Ito, which people with any colour vision tell apart (M. Okabe
and K. Ito, *Color Universal Design*, 2008). Their eighth colour is black, which no dark page shows:
a middle grey stands for it, and drums have it.

A name asks for the hue of its General MIDI family ("Electric Piano 1" for that of keys), chosen so
that the usual parts of a band ask for different ones; a name that means no sound asks for one by
its checksum. So a part looks the same in every song, unless another one there asks for the same
hue: then the first by name gets it, and the others take the next free one. Past seven parts hues
come again, with another pattern.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

from midikit.gm import find_program

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["DRUM_COLOR", "HUES", "PATTERNS", "PartStyle", "part_styles"]

HUES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
"""Blue, orange, green, purple, sky blue, vermilion, and yellow, which white shows least."""

DRUM_COLOR = "#7F7F7F"
"""Middle grey, for drums alone: as far from white as from black."""

PATTERNS = 6
"""How many patterns there are; 0 is plain."""

_BLUE, _ORANGE, _GREEN, _PURPLE, _SKY, _VERMILION, _YELLOW = range(len(HUES))
_FAMILY_HUES = (
    *(_BLUE, _YELLOW, _YELLOW, _ORANGE),  # pianos, mallets, organs, guitars
    *(_VERMILION, _GREEN, _GREEN, _YELLOW),  # basses, strings, ensembles, brass
    *(_YELLOW, _SKY, _SKY, _SKY),  # reeds and pipes; leads, pads
    *(_SKY, _ORANGE, _VERMILION, _YELLOW),  # effects, the world's plucked, percussion, sounds
)
_VOICES = range(52, 55)


@dataclass(frozen=True, slots=True)
class PartStyle:
    """How one part looks.

    Parameters
    ----------
    color : str
        ``#RRGGBB``, one of `HUES`, or `DRUM_COLOR`.
    pattern : int
        0 for a plain fill, else 1 to 5: which hatch or dash tells it from parts of the same hue.
    """

    color: str
    pattern: int = 0

    @property
    def outline(self) -> str:
        """A darker ``#RRGGBB`` of the same hue, which white shows whatever the hue."""
        red, green, blue = (int(self.color[i : i + 2], 16) * 11 // 20 for i in (1, 3, 5))
        return f"#{red:02X}{green:02X}{blue:02X}"


_DRUMS = PartStyle(DRUM_COLOR)


def part_styles(names: Sequence[str], drums: Sequence[bool]) -> tuple[PartStyle, ...]:
    """Choose a style for each part of a song.

    Parameters
    ----------
    names : sequence of str
        The name of each track.
    drums : sequence of bool
        Whether each is a drum kit.

    Returns
    -------
    tuple of PartStyle
        One a track: the same for all drums, a different one for each other part, also for parts
        of one name (up to 42). The order of tracks of different names plays no role.

    Examples
    --------
    >>> bass, kit, keys = part_styles(["Bass", "Drums", "Piano"], [False, True, False])
    >>> bass.color, kit.color, keys
    ('#D55E00', '#7F7F7F', PartStyle(color='#0072B2', pattern=0))
    >>> part_styles(["Piano"], [False]) == (keys,)
    True
    """
    styles = [_DRUMS] * len(names)
    waiting = sorted(
        (i for i, is_drum in enumerate(drums) if not is_drum), key=lambda i: (names[i], i)
    )
    most = len(HUES) * PATTERNS
    for first in range(0, len(waiting), most):
        for i, style in _placed(waiting[first : first + most], names):
            styles[i] = style
    return tuple(styles)


def _placed(waiting: list[int], names: Sequence[str]) -> Iterator[tuple[int, PartStyle]]:
    """Give parts, first by name first, the hues that they ask for, else those that are left."""
    wanted = {i: _hue(names[i]) for i in waiting}
    pattern = 0
    while waiting:
        free = dict.fromkeys(range(len(HUES)))
        placed: dict[int, int] = {}
        for i in waiting:
            if wanted[i] in free:
                placed[i] = wanted[i]
                del free[wanted[i]]
        others = (i for i in waiting if i not in placed)
        placed.update(tuple(zip(others, free, strict=False)))
        yield from ((i, PartStyle(HUES[hue], pattern)) for i, hue in placed.items())
        waiting = [i for i in waiting if i not in placed]
        pattern += 1


def _hue(name: str) -> int:
    """Tell which of `HUES` a name asks for."""
    guess = find_program(name)
    if guess is None:
        return crc32(name.encode("utf-8", "surrogatepass")) % len(HUES)
    return _PURPLE if guess.program in _VOICES else _FAMILY_HUES[guess.program // 8]
