"""What is odd about a song, though no fault: a line each, for ``midikit inspect``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from midikit.cli.words import count
from midikit.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from midikit.cli.track_rows import Row
    from midikit.model.song import Song

__all__ = ["few", "remarks"]

_FEW = 4
_MOST_MERGED = 128
_KIT_PROGRAMS = frozenset([None, 0, 8, 16, 24, 25, 32, 40, 48, 56])
"""Programs that choose a drum kit on channel 10, in General MIDI 2 and GS."""


def few(words: Iterable[str]) -> str:
    """List different words, and count those past the first four.

    Parameters
    ----------
    words : iterable of str
        The words.

    Returns
    -------
    str
        In one line.

    Examples
    --------
    >>> few(["4/4", "3/4", "4/4"]), few("abcdef")
    ('4/4, 3/4', 'a, b, c, d, and 2 more')
    """
    unique = list(dict.fromkeys(words))
    more = len(unique) - _FEW
    return ", ".join([*unique[:_FEW], *([f"and {more:,} more"] if more > 0 else [])])


def remarks(song: Song, rows: list[Row]) -> list[str]:
    """Say what a musician would want to know before using these tracks.

    Parameters
    ----------
    song : Song
        The song.
    rows : list of Row
        What `describe` found.

    Returns
    -------
    list of str
        One line each.
    """
    from midikit.convert.arrange.merge import merge_tracks  # noqa: PLC0415 - loads numpy
    from midikit.gm import DRUM_NAMES  # noqa: PLC0415 - compiles patterns

    found = [*_sounds(song, rows)]
    flat = [row for row in rows if row.velocities == 1 and row.notes > 1]
    if len(flat) > _FEW:
        found.append(f"{len(flat):,} of {count(len(rows), 'track')} have one velocity throughout")
        flat = []
    for row in rows:
        name = _label(row)
        if row in flat:
            found.append(f"{name}: one velocity throughout ({row.velocity})")
        if row.outside_kit:
            names = [
                f"{pitch} ({DRUM_NAMES[pitch]}, {count(number, 'note')})"
                if pitch in DRUM_NAMES
                else f"{pitch} ({count(number, 'note')})"
                for pitch, number in zip(row.outside_kit, row.outside_kit_notes, strict=True)
            ]
            found.append(f"{name}: not in the General MIDI kit: {few(names)}")
        if row.drum and row.channel not in (None, 10):
            found.append(
                f"{name}: drums on channel {row.channel}, which plays them as an instrument"
            )
    if len(song.tracks) > _MOST_MERGED:
        return found
    _, changes = merge_tracks(song, duplicates="collapse")
    for change in changes:
        if change.kind == "merge":
            alike = f"{change.count} tracks of this name"
            found.append(f"{change.where}: {alike}; convert --merge-tracks name joins them")
        else:
            found.append(f"{change.where}: {change.count:,} notes are in two of its tracks")
    return found


def _label(row: Row) -> str:
    return printable(row.name) if row.name.strip() else f"track {row.track + 1}"


def _sounds(song: Song, rows: Sequence[Row]) -> Iterable[str]:
    """Say where one sound or one channel is claimed for all, and where drums claim another."""
    from midikit.gm import PROGRAM_NAMES  # noqa: PLC0415 - compiles patterns

    played = [row for row in rows if row.notes]
    claimed = {row.claimed for row in played}
    if len(played) > 1 and len(claimed) == 1 and None not in claimed:
        (program,) = claimed
        name = PROGRAM_NAMES[program or 0]
        yield f"all {count(len(played), 'track')} claim program {program} ({name})"
    sharing: dict[tuple[int, int], int] = {}
    for row in played:
        if row.channel is not None and not row.drum:
            key = song.tracks[row.track].port, row.channel
            sharing[key] = sharing.get(key, 0) + 1
    for (_, channel), tracks in sharing.items():
        if tracks > 1:
            yield f"{count(tracks, 'track')} share channel {channel} and cut each other's notes off"
    for row in played:
        if row.drum and row.channel == 10 and row.claimed not in _KIT_PROGRAMS:
            name = PROGRAM_NAMES[row.claimed or 0]
            yield f"{_label(row)}: drums that claim program {row.claimed} ({name})"
