"""The rules of cleaning by name, and how strictly each profile holds a part to them."""

from __future__ import annotations

from dataclasses import dataclass

from midikit.cleaning.strays import Far

__all__ = ["LIGHT", "MELODY_RULES", "RULES", "STRONG", "WORDS", "Thresholds"]

WORDS = {
    "retriggered": "struck twice within a moment",
    "doubled": "in another track of the instrument as well",
    "short": "too short to be meant",
    "overlapping": "reaching into the next of its pitch",
    "crowded": "more voices than the part can play",
    "faint": "far softer than its part",
    "stray": "far from its part's range and rhythm",
    "line": "one voice at a time",
    "octave": "an octave off its line",
}
"""Why a note is not what it was, for each rule; the last two are those of `midikit.melody`."""

RULES = tuple(WORDS)[:7]
"""Rules of `midikit.clean`, in the order in which they are applied."""


MELODY_RULES = tuple(WORDS)[7:]
"""What `midikit.melody` does to notes."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How strictly a part is held to the rules; what each means is told where the rule is.

    Parameters
    ----------
    retriggered, retriggered_drums : float
        Seconds between two onsets of one pitch.
    doubled : float
        Seconds between the onsets of one note in two tracks.
    by_sound : bool
        Whether tracks of other names that play the same family of sounds are held against each
        other as well, note for note and to the lattice of the service.
    shortest, usual : float
        Seconds of a note, and of half of the part's notes.
    hair, tail : float
        Seconds of an overlap, and its share of the note.
    faint : float
        Share of the velocity of the part and of the notes around.
    far : tuple of Far
        How far is too far.
    ceiling : float
        How many times the voices that a part mostly has are too many.
    bearable : float
        Weakness of a note of a crowd from which on it goes in any case.
    passage : float
        Share of the time from which on many voices are how the part is played.
    """

    retriggered: float
    retriggered_drums: float
    doubled: float
    by_sound: bool
    shortest: float
    usual: float
    hair: float
    tail: float
    faint: float
    far: tuple[Far, ...]
    ceiling: float
    bearable: float
    passage: float


# What light takes out, strong takes out as well: every threshold of the second is the wider one.
LIGHT = Thresholds(
    retriggered=0.030,
    retriggered_drums=0.018,
    doubled=0.035,
    by_sound=False,
    shortest=0.030,
    usual=0.060,
    hair=0.030,
    tail=0.25,
    faint=0.2,
    far=(Far(7, 5, 2, 0.02), Far(10, 7, 1, 0.02), Far(13, 8, 0, 0.005), Far(18, 12, -1, 0.005)),
    ceiling=2.0,
    bearable=6.0,
    passage=0.5,
)
STRONG = Thresholds(
    retriggered=0.050,
    retriggered_drums=0.025,
    doubled=0.050,
    by_sound=True,
    shortest=0.040,
    usual=0.040,
    hair=0.060,
    tail=0.5,
    faint=0.35,
    far=(Far(5, 3, 2, 0.03), Far(7, 5, 1, 0.03), Far(11, 7, 0, 0.01), Far(13, 10, -1, 0.005)),
    ceiling=1.5,
    bearable=4.0,
    passage=0.7,
)
