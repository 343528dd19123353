"""Songs to .mid files that play right.

`plan_midi` (`midikit.convert.arrange`) decides everything and lists it; here are its bytes and its
file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from midikit.convert.arrange.plan import Merge, MidiPlan, plan_midi
from midikit.files import write_bytes

if TYPE_CHECKING:
    import os

    from midikit.convert.arrange.merge import Duplicates
    from midikit.convert.arrange.overlap import Overlap, Short
    from midikit.convert.arrange.programs import Programs
    from midikit.convert.arrange.tidy import Tracks
    from midikit.model.report import Change
    from midikit.model.song import Song
    from midikit.model.tempo import TempoMap

__all__ = ["Merge", "MidiPlan", "plan_midi", "to_midi", "write_midi"]


def to_midi(
    song: Song,
    *,
    programs: Programs = "name",
    merge: Merge = "off",
    duplicates: Duplicates = "collapse",
    overlap: Overlap = "trim",
    short: Short = "tick",
    tracks: Tracks = "tidy",
    tempo: TempoMap | float | None = None,
    ticks_per_quarter: int | None = None,
) -> bytes:
    """Turn a song into the bytes of a .mid file.

    Parameters
    ----------
    song : Song
        The song.
    programs : {"name", "source"} or mapping of str to int, optional
        As for `plan_midi`, as are the others.
    merge : {"off", "name"}, optional
        Whether to join tracks of one name.
    duplicates : {"collapse", "keep"}, optional
        What to do with notes that joined tracks both hold.
    overlap : {"trim", "spill", "keep", "error"}, optional
        What to do with equal pitches that overlap within a track.
    short : {"tick", "keep"}, optional
        What to do with notes shorter than a tick.
    tracks : {"tidy", "source"}, optional
        What to do with empty tracks, and where tracks end.
    tempo : TempoMap or float or None, optional
        Tempo to write.
    ticks_per_quarter : int or None, optional
        Resolution.

    Returns
    -------
    bytes
        A Standard MIDI File of format 1: the tempo track, then one named track an instrument.

    Raises
    ------
    ConversionError
        As `plan_midi`.
    LimitError
        If the format cannot hold it.

    Examples
    --------
    >>> from midikit.model.song import Song
    >>> to_midi(Song(()))[:4]
    b'MThd'
    """
    plan = plan_midi(
        song,
        programs=programs,
        merge=merge,
        duplicates=duplicates,
        overlap=overlap,
        short=short,
        tracks=tracks,
        tempo=tempo,
        ticks_per_quarter=ticks_per_quarter,
    )
    return plan.to_bytes()


def write_midi(
    song: Song,
    path: str | os.PathLike[str],
    *,
    programs: Programs = "name",
    merge: Merge = "off",
    duplicates: Duplicates = "collapse",
    overlap: Overlap = "trim",
    short: Short = "tick",
    tracks: Tracks = "tidy",
    tempo: TempoMap | float | None = None,
    ticks_per_quarter: int | None = None,
) -> tuple[Change, ...]:
    """Write a song to a .mid file, whole or not at all.

    Parameters
    ----------
    song : Song
        The song.
    path : str or PathLike
        The file; one that exists is replaced.
    programs : {"name", "source"} or mapping of str to int, optional
        As for `plan_midi`, as are the others.
    merge : {"off", "name"}, optional
        Whether to join tracks of one name.
    duplicates : {"collapse", "keep"}, optional
        What to do with notes that joined tracks both hold.
    overlap : {"trim", "spill", "keep", "error"}, optional
        What to do with equal pitches that overlap within a track.
    short : {"tick", "keep"}, optional
        What to do with notes shorter than a tick.
    tracks : {"tidy", "source"}, optional
        What to do with empty tracks, and where tracks end.
    tempo : TempoMap or float or None, optional
        Tempo to write.
    ticks_per_quarter : int or None, optional
        Resolution.

    Returns
    -------
    tuple of Change
        What was decided on the way.

    Raises
    ------
    ConversionError
        As `plan_midi`.
    LimitError
        If the format cannot hold it.
    OutputError
        If the file cannot be written.
    """
    plan = plan_midi(
        song,
        programs=programs,
        merge=merge,
        duplicates=duplicates,
        overlap=overlap,
        short=short,
        tracks=tracks,
        tempo=tempo,
        ticks_per_quarter=ticks_per_quarter,
    )
    write_bytes(path, plan.to_bytes())
    return plan.changes
