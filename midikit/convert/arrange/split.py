"""A song or its plan, split: one for each part, which played together are the whole.

A part is a track with notes. It keeps its sound, its channel and its place in time, and gets what
is of no part: tempo map, signatures, markers, texts. Where tracks hear each other's controls on one
channel (a piano's two hands and their pedal), each part has all of these.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from midikit.convert.arrange.channels import settle_volumes
from midikit.convert.arrange.chunks import TempoTicks
from midikit.convert.arrange.naming import shown
from midikit.convert.arrange.plan import MidiPlan, choose_parts
from midikit.convert.arrange.tidy import common_end
from midikit.errors import LimitError
from midikit.escape import file_stem, folded, unique_stems
from midikit.gm import PROGRAM_NAMES
from midikit.model.events import (
    END_OF_TRACK,
    KEY_SIGNATURE,
    MARKER,
    PROGRAM_CHANGE,
    Event,
    as_controls,
)
from midikit.model.joined import end_to_end
from midikit.model.report import Change
from midikit.units import DEFAULT_TICKS_PER_QUARTER, seconds_from_ticks

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from midikit.convert.arrange.chunks import Part
    from midikit.convert.arrange.programs import Programs
    from midikit.model.song import Song, Track

__all__ = ["MOST_PARTS", "part_names", "split_plan", "split_song"]

MOST_PARTS = 1000
"""Parts that a song is split into at most: each is a file."""

_MOST_BYTES = 1 << 30
_CUE = 0x07
_OF_THE_SONG = frozenset([MARKER, _CUE, KEY_SIGNATURE])
"""What concerns the whole song, whichever track holds it; time signatures are the song's anyway."""

_OF_A_TRACK = frozenset([0x03, 0x04, 0x08, 0x09, 0x20, 0x21, END_OF_TRACK])
"""Name, instrument, program name, device, channel prefix, port and end."""

_STEM_BYTES = 115
_NAME_BYTES = 56


@dataclass(frozen=True, slots=True, eq=False)
class _Shares:
    """What each part gets.

    Parameters
    ----------
    events : tuple of Event
        What goes to every part, by time.
    tracks : dict of int to Track
        The track of each part, with all controls that it hears, by its index in the whole.
    changes : tuple of Change
        What became of tracks without notes.
    """

    events: tuple[Event, ...]
    tracks: dict[int, Track]
    changes: tuple[Change, ...]


def split_song(song: Song, *, programs: Programs = "name") -> tuple[Song, ...]:
    """Make a song of each part; played together they are the whole.

    Parameters
    ----------
    song : Song
        The song.
    programs : {"name", "source"} or mapping of str to int, optional
        How sounds are chosen, as for `midikit.plan_midi`. They are chosen in the whole, and each
        part claims what was chosen: write parts with ``programs="source"`` to keep sounds that a
        mapping names.

    Returns
    -------
    tuple of Song
        One a track with notes, in their order, each with that track alone, its notes at the same
        seconds, and with the tempo, signatures, markers, texts, resolution and end of the whole.
        None of a song without notes. `changes` tell what was decided, and what became of tracks
        without notes: their texts go to every part, their controls to the parts that hear them.

    Raises
    ------
    ConversionError
        As `midikit.plan_midi`, for `programs`.
    LimitError
        If there are more than 1,000 parts, or what goes to every part comes to more than 1 GiB.

    Examples
    --------
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> koto = Track("Koto", notes=as_notes([(0.0, 0.5, 60, 80)]))
    >>> drums = Track("Drums", is_drum=True, notes=as_notes([(1.0, 1.1, 36, 80)]))
    >>> parts = split_song(Song((koto, drums)))
    >>> parts, [part[0].program for part in parts]
    ((<Song 1 track, 1 note, 0.5 s>, <Song 1 track, 1 note, 1.1 s>), [107, 0])
    >>> part_names("Song", parts)
    ['Song (Koto)', 'Song (Drums)']
    """
    tracks, changes = settle_volumes(song.tracks)
    parts, more = choose_parts(tracks, programs)
    shares = _share(song, parts)
    changes += more
    end = _end(song, tracks)
    return tuple(
        replace(
            song,
            tracks=(replace(track, program=parts[index].program, channel=parts[index].channel),),
            events=(*shares.events, end),
            changes=(*song.changes, *_concerning(changes, track), *shares.changes),
        )
        for index, track in shares.tracks.items()
    )


def _end(song: Song, tracks: Sequence[Track]) -> Event:
    """End every part where the whole ends, so that all are as long."""
    tempo = TempoTicks.of(song.tempo, song.ticks_per_quarter or DEFAULT_TICKS_PER_QUARTER)
    rows = end_to_end(track.notes for track in tracks)
    tick = np.array([common_end(song, tracks, rows, tempo)])
    seconds = seconds_from_ticks(tick, tempo.ticks, tempo.micro, tempo.ticks_per_quarter)
    return Event(float(seconds[0]), END_OF_TRACK, b"")


def split_plan(plan: MidiPlan) -> tuple[MidiPlan, ...]:
    """Make a plan of each part; their files played together are the file of the whole.

    Parameters
    ----------
    plan : MidiPlan
        The whole, with everything decided.

    Returns
    -------
    tuple of MidiPlan
        One a track with notes, in their order: the same notes on the same ticks, the same program,
        channel and tempo. `source` is a song of that track alone.

    Raises
    ------
    LimitError
        As `split_song`.

    Examples
    --------
    >>> from midikit.convert.arrange.plan import plan_midi
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> koto = Track("Koto", notes=as_notes([(0.0, 0.5, 60, 80)]))
    >>> [len(part.notes.start) for part in split_plan(plan_midi(Song((koto, koto))))]
    [1, 1]
    """
    shares = _share(plan.source, plan.parts)
    order = np.argsort(plan.notes.part, kind="stable")
    bounds = np.searchsorted(plan.notes.part[order], np.arange(len(plan.parts) + 1)).tolist()
    spilled: dict[int, list[int]] = {}
    for index, part in enumerate(plan.parts):
        if part.spilled:
            spilled.setdefault(id(part.track), []).append(index)
    made = []
    for index, track in shares.tracks.items():
        whole = plan.parts[index]
        members = [index, *spilled.get(id(whole.track), ())]
        rows = np.concatenate([order[bounds[i] : bounds[i + 1]] for i in members])
        notes = plan.notes.take(rows)
        sizes = [bounds[i + 1] - bounds[i] for i in members]
        notes.part = np.arange(len(members), dtype=np.int64).repeat(sizes)
        made.append(
            replace(
                plan,
                source=replace(plan.source, tracks=(track,), events=shares.events),
                parts=tuple(
                    replace(plan.parts[i], track=track, is_claimed=_says(track, plan.parts[i]))
                    for i in members
                ),
                notes=notes,
                changes=(*_concerning(plan.changes, whole.track), *shares.changes),
            )
        )
    return tuple(made)


def part_names(song_name: str, parts: Sequence[Song]) -> list[str]:
    """Name the files of a song's parts, as the service names its exports: ``Song (Drums)``.

    Parameters
    ----------
    song_name : str
        Name of the song, such as its file without the ending.
    parts : sequence of Song
        What `split_song` made, in that order.

    Returns
    -------
    list of str
        A safe and unique file name each, without an ending: the song's name, and the instrument's
        in brackets. The second of a name gets ``(2)`` and so on, whatever its case. A part without
        a name is called after its sound, or by its number.

    Examples
    --------
    >>> from midikit.model.song import Song, Track
    >>> names = ["Bass", "bass", "", "../up", "Song (Keys)"]
    >>> part_names("Song", [Song((Track(name),)) for name in names])
    ['Song (Bass)', 'Song (bass) (2)', 'Song (Part 3)', 'Song (up)', 'Song (Keys)']
    """
    titles = [song_name, *(part.title or "" for part in parts[:1])]
    roles = [
        file_stem(_role(part[0].name, titles) or _sound(part[0], index), most_bytes=_NAME_BYTES)
        for index, part in enumerate(parts)
    ]
    room = _STEM_BYTES - max((len(f" ({role})".encode()) for role in roles), default=0)
    song_stem = file_stem(song_name, "Song", most_bytes=room)
    return unique_stems(f"{song_stem} ({role})" for role in roles)


def _role(name: str, titles: Sequence[str]) -> str:
    """Return a track's name, without the song's where the role stands in brackets after it."""
    name = name.strip()
    for title in titles:
        head, tail = name[: len(title)], name[len(title) :]
        if title.strip() and folded(head) == folded(title) and tail[:2] + tail[-1:] == " ()":
            return tail[2:-1].strip()
    return name


def _sound(track: Track, index: int) -> str:
    """Call a track without a name after what it plays."""
    if track.is_drum:
        return "Drums"
    return f"Part {index + 1}" if track.program is None else PROGRAM_NAMES[track.program]


def _share(song: Song, parts: Sequence[Part]) -> _Shares:
    """Give each part with notes what it hears and what is of no part."""
    own = {index: part.track for index, part in enumerate(parts) if not part.spilled}
    sounding = [index for index, track in own.items() if len(track.notes)]
    if len(sounding) > MOST_PARTS:
        raise LimitError(
            f"{len(sounding):,} parts, each of which would be a file; expected at most "
            f"{MOST_PARTS:,}, such as of a song whose tracks of one name are joined"
        )
    common = [*song.events]
    known = set(common)
    for track in own.values():
        found = [event for event in track.events if _is_common(event, track)]
        common += [event for event in found if event not in known]
        known.update(event for event in found if event.kind in _OF_THE_SONG)
    events = tuple(sorted(common, key=lambda event: event.seconds))
    heard = _heard(parts, own)
    _check_size(events, [heard.get(index, own[index].controls) for index in sounding])
    tracks = {}
    for index in sounding:
        track = own[index]
        kept = tuple(event for event in track.events if event.kind not in _OF_THE_SONG)
        if index in heard or len(kept) < len(track.events):
            track = replace(track, controls=heard.get(index, track.controls), events=kept)
        tracks[index] = track
    silent = [track for track in own.values() if not len(track.notes)]
    unheard = {id(own[index]) for index in own.keys() - heard.keys()}
    return _Shares(
        events, tracks, tuple(_told(track, is_heard=id(track) not in unheard) for track in silent)
    )


def _is_common(event: Event, track: Track) -> bool:
    """Tell whether an event of a track goes to every part."""
    if len(track.notes):
        return event.kind in _OF_THE_SONG
    return event.kind not in _OF_A_TRACK


def _heard(parts: Sequence[Part], own: dict[int, Track]) -> dict[int, npt.NDArray[np.void]]:
    """Put together the controls that tracks hear beside their own, by the tracks' indices.

    Those of tracks without notes are heard on their channel by all. Those of tracks with notes are
    heard by the others that shared a channel with them in the source as well, and not by those
    that only came to share one.
    """
    channels: dict[tuple[int, int], list[int]] = {}
    for index, track in own.items():
        channels.setdefault((track.port, parts[index].channel), []).append(index)
    heard: dict[int, npt.NDArray[np.void]] = {}
    for members in channels.values():
        silent = [index for index in members if not len(own[index].notes)]
        groups: dict[object, list[int]] = {}
        for index in members:
            if len(own[index].notes):
                source = own[index].channel
                groups.setdefault((index,) if source is None else source, []).append(index)
        for group in groups.values():
            together = sorted([*group, *silent])
            if len(together) > 1 and any(len(own[index].controls) for index in together):
                controls = as_controls(np.concatenate([own[i].controls for i in together]))
                heard |= dict.fromkeys(together, controls)
    return heard


def _check_size(events: Sequence[Event], controls: Sequence[npt.NDArray[np.void]]) -> None:
    """Refuse to write what is common to all parts so often that it fills a disk."""
    common = sum(8 + len(event.data) for event in events)
    size = len(controls) * common + sum(4 * len(rows) for rows in controls)
    if size > _MOST_BYTES:
        raise LimitError(
            f"{len(controls):,} parts repeat what is common to all in {size:,} bytes; expected "
            f"at most {_MOST_BYTES:,}, such as of a song whose tracks of one name are joined"
        )


def _says(track: Track, part: Part) -> bool:
    """Whether the source says the program of a part among the controls that it has."""
    if not part.is_claimed or part.spilled:
        return part.is_claimed
    changes = track.controls["data1"][track.controls["status"] == PROGRAM_CHANGE]
    return bool((changes == part.program).any())


def _told(track: Track, *, is_heard: bool) -> Change:
    """Say what became of a track without notes."""
    texts = sum(_is_common(event, track) for event in track.events)
    what = "has no notes, and so no file"
    if texts:
        what += f"; its {texts:,} text{' goes' if texts == 1 else 's go'} to every part"
    if controls := len(track.controls):
        its = f"its {controls:,} control{'' if controls == 1 else 's'}"
        verb = "goes" if controls == 1 else "go"
        to = f"{verb} to the parts on its channel" if is_heard else "would be heard by none"
        what += f"; {its} {to}"
    return Change("split", shown(track), what)


def _concerning(changes: Sequence[Change], track: Track) -> tuple[Change, ...]:
    """Take the changes that concern a track, or the whole song."""
    name = shown(track)
    return tuple(change for change in changes if change.where in ("", name))
