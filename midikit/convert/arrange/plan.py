"""What a .mid of a song will hold: every decision, taken and listed before a byte is written.

Times are put on ticks under the tempo map as it will be written, so that each note keeps its
seconds to the nearest tick.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from midikit.convert.arrange.channels import assign_channels, free_channels, settle_volumes
from midikit.convert.arrange.chunks import (
    Part,
    TempoTicks,
    conductor_chunk,
    is_valid_key,
    left_out,
    part_chunk,
)
from midikit.convert.arrange.merge import Duplicates, merge_tracks
from midikit.convert.arrange.naming import shown
from midikit.convert.arrange.overlap import (
    NoteTable,
    Overlap,
    Short,
    lengthen,
    nested,
    overlapping,
    trim,
    voices,
)
from midikit.convert.arrange.programs import Programs, choose_programs
from midikit.convert.arrange.tidy import Tracks, common_end, without_empty
from midikit.convert.arrange.told import coarse, counted
from midikit.errors import ConversionError, LimitError
from midikit.escape import quoted
from midikit.model.events import KEY_SIGNATURE, PROGRAM_CHANGE
from midikit.model.joined import end_to_end, times
from midikit.model.notes import notes_by_track
from midikit.model.report import Change
from midikit.model.song import Song, trusted_track
from midikit.model.tempo import TempoMap
from midikit.smf.encode import TickNotes, encode
from midikit.units import DEFAULT_TICKS_PER_QUARTER, check_tempo, seconds_from_ticks

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from midikit.model.song import Track

__all__ = ["Merge", "MidiPlan", "choose_parts", "plan_midi"]

Merge: TypeAlias = Literal["off", "name"]

_MAX_TICKS = 1 << 53
_CHOICES = {
    "merge": ("off", "name"),
    "duplicates": ("collapse", "keep"),
    "overlap": ("trim", "spill", "keep", "error"),
    "short": ("tick", "keep"),
    "tracks": ("tidy", "source"),
}


@dataclass(frozen=True, slots=True, eq=False)
class MidiPlan:
    """Everything a .mid file will hold, decided but not yet written.

    Parameters
    ----------
    source : Song
        The song that was planned.
    parts : tuple of Part
        What each track of the file plays, on which channel.
    notes : NoteTable
        All notes on ticks.
    tempo : TempoTicks
        The tempo events as they will be written.
    changes : tuple of Change
        Every decision that makes the file differ from the song.
    end_tick : int, optional
        Tick before which no track ends.
    """

    source: Song
    parts: tuple[Part, ...]
    notes: NoteTable
    tempo: TempoTicks
    changes: tuple[Change, ...]
    end_tick: int = 0

    def to_bytes(self) -> bytes:
        """Write the file.

        Returns
        -------
        bytes
            A Standard MIDI File of format 1; the same plan always gives the same bytes.

        Raises
        ------
        LimitError
            If the format cannot hold it: too many tracks, or too long a pause.
        """
        counts = np.bincount(self.notes.part, minlength=len(self.parts)).tolist()
        notes = TickNotes(
            self.notes.start,
            self.notes.end,
            self.notes.pitch,
            self.notes.velocity,
            (0, *counts),
        )
        chunks = [conductor_chunk(self.source, self.tempo)]
        chunks += [part_chunk(part, self.tempo) for part in self.parts]
        division = self.tempo.ticks_per_quarter
        return encode(chunks, notes, division=division, end_tick=self.end_tick)

    def to_song(self) -> Song:
        """Say what a reader of the file will find.

        Returns
        -------
        Song
            One track a part, its notes at the seconds of their ticks.
        """
        tempo = self.tempo
        columns = {
            name: seconds_from_ticks(ticks, tempo.ticks, tempo.micro, tempo.ticks_per_quarter)
            for name, ticks in (("start", self.notes.start), ("end", self.notes.end))
        } | {"pitch": self.notes.pitch, "velocity": self.notes.velocity}
        counts = np.bincount(self.notes.part, minlength=len(self.parts)).tolist()
        tracks = [
            trusted_track(
                part.track.name,
                notes,
                program=part.program,
                is_drum=part.track.is_drum,
                channel=part.channel,
                port=part.track.port,
            )
            for part, notes in zip(self.parts, notes_by_track(columns, counts), strict=True)
        ]
        return self.source.with_tracks(tuple(tracks), *self.changes)


def plan_midi(
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
) -> MidiPlan:
    """Decide what a .mid of this song holds.

    Parameters
    ----------
    song : Song
        The song.
    programs : {"name", "source"} or mapping of str to int, optional
        Sounds by the instruments' names, as the source claimed them, or 0..127 by track name.
    merge : {"off", "name"}, optional
        Whether to join tracks of one name.
    duplicates : {"collapse", "keep"}, optional
        For joined tracks: notes that both hold (same pitch, less than a sixteenth apart) once.
    overlap : {"trim", "spill", "keep", "error"}, optional
        Equal pitches that overlap within a track: end the first where the second begins; move the
        later ones to a further channel while there is one; write them as they are; or refuse.
    short : {"tick", "keep"}, optional
        Notes shorter than a tick: make them one tick long, or write them with no length.
    tracks : {"tidy", "source"}, optional
        Leave out tracks that hold nothing, and end all of them together on the bar line that
        follows the last event; or write empty ones too, each with the end that it had.
    tempo : TempoMap or float or None, optional
        Tempo to write: a map, or quarters a minute; None for the song's. Seconds stay as they are.
    ticks_per_quarter : int or None, optional
        Resolution, 1 to 32,767; None for that of the .mid it came from, else 480.

    Returns
    -------
    MidiPlan
        The decisions; `MidiPlan.changes` lists them.

    Raises
    ------
    ConversionError
        If an option is unknown or out of range, or ``overlap="error"`` finds one.

    Examples
    --------
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> song = Song((Track("Koto", notes=as_notes([(0.0, 0.5, 60, 80)])),))
    >>> print(*plan_midi(song).changes)
    Koto: plays Koto (program 107), by its name
    """
    options = {"merge": merge, "duplicates": duplicates, "overlap": overlap, "short": short}
    for name, value in (options | {"tracks": tracks}).items():
        if value not in _CHOICES[name]:
            allowed = ", ".join(repr(choice) for choice in _CHOICES[name])
            raise ConversionError(f"{name} is {quoted(value)}; expected one of {allowed}")
    rows = end_to_end(track.notes for track in song.tracks)
    written = _tempo_ticks(song, rows, tempo, ticks_per_quarter)
    kept, changes = settle_volumes(song.tracks)
    if merge == "name":
        kept, more = merge_tracks(song.with_tracks(kept), duplicates=duplicates)
        rows = end_to_end(track.notes for track in kept)
        changes += more
    if tracks == "tidy":
        kept, more = without_empty(kept)
        changes += more
    parts, more = choose_parts(kept, programs)
    changes += more + _keys(song)
    notes = _on_ticks(kept, rows, written)
    changes += coarse(rows, notes, written)
    if short == "tick":
        changes += counted(kept, notes, lengthen(notes), "short", "shorter than a tick made one")
    notes = notes.sort_ties()
    if overlap == "spill":
        notes = _spill(parts, notes, changes)
    changes += _resolve(parts, notes, overlap, written)
    end = common_end(song, kept, rows, written) if tracks == "tidy" else 0
    return MidiPlan(song, tuple(parts), notes, written, tuple(changes), end)


def _tempo_ticks(
    song: Song,
    rows: npt.NDArray[np.void],
    tempo: TempoMap | float | None,
    ticks_per_quarter: int | None,
) -> TempoTicks:
    """Choose tempo and resolution, and make sure that everything in the song has a tick."""
    if ticks_per_quarter is None:
        ticks_per_quarter = song.ticks_per_quarter or DEFAULT_TICKS_PER_QUARTER
    if not 1 <= ticks_per_quarter <= 0x7FFF:
        raise ConversionError(f"ticks_per_quarter is {ticks_per_quarter}; expected 1 to 32,767")
    if tempo is None:
        tempo = song.tempo
    elif not isinstance(tempo, TempoMap):
        tempo = TempoMap.constant(tempo)
    check_tempo(tempo.qpm)
    rate = max(tempo.qpm.tolist()) / 60.0 * ticks_per_quarter
    for what, second in _latest(song, rows, tempo).items():
        if second * rate > _MAX_TICKS:
            problem = f"{what} at {second:g} s; a .mid cannot say that at this resolution"
            raise LimitError(f"{problem}; use fewer ticks_per_quarter or a slower tempo")
    return TempoTicks.of(tempo, ticks_per_quarter)


def _latest(song: Song, rows: npt.NDArray[np.void], tempo: TempoMap) -> dict[str, float]:
    """Return the last second of each kind of thing that is put on ticks."""
    controls = [float(track.controls["seconds"][-1]) for track in song if len(track.controls)]
    events = [event.seconds for part in (song, *song) for event in part.events]
    return {
        "a note ends": float(rows["end"].max(initial=0.0)),
        "a control stands": max(controls, default=0.0),
        "an event stands": max(events, default=0.0),
        "the tempo changes": float(tempo.seconds[-1]),
    }


def choose_parts(tracks: Sequence[Track], programs: Programs) -> tuple[list[Part], list[Change]]:
    """Give each track its program and channel."""
    chosen, changes = choose_programs(tracks, programs)
    channels, more = assign_channels(tracks, chosen)
    changes += more
    if programs != "source":
        _follow(tracks, chosen, channels)
    claims = _claims(tracks, channels) if programs == "source" else frozenset()
    parts = []
    for track, program, channel in zip(tracks, chosen, channels, strict=True):
        is_claimed = (track.port, channel, program) in claims
        part = Part(track, program, channel, is_claimed=is_claimed)
        parts.append(part)
        if banks := left_out(part):
            what = "bank selects of the program it does not play left out"
            changes.append(Change("program", shown(track), what, banks))
    return parts, changes


def _keys(song: Song) -> list[Change]:
    """List the key signatures that are not written."""
    keys = [event.data for event in song.events if event.kind == KEY_SIGNATURE]
    wrong = sum(not is_valid_key(data) for data in keys)
    signatures = "1 key signature that says" if wrong == 1 else f"{wrong} key signatures that say"
    what = f"{signatures} no key left out"
    return [Change("key", "", what, wrong)] if wrong else []


def _follow(tracks: Sequence[Track], programs: list[int | None], channels: Sequence[int]) -> None:
    """Let tracks without notes choose the program of those they share a channel with, in place."""
    if all(len(track.notes) for track in tracks):
        return
    heard = {
        (track.port, channel): program
        for track, program, channel in zip(tracks, programs, channels, strict=True)
        if len(track.notes)
    }
    for index, track in enumerate(tracks):
        if not len(track.notes) and programs[index] is not None:
            programs[index] = heard.get((track.port, channels[index]), programs[index])


def _claims(
    tracks: Sequence[Track], channels: Sequence[int]
) -> frozenset[tuple[int, int, int | None]]:
    """Collect the port, channel and program of every program change in the tracks' controls."""
    found = set()
    for track, channel in zip(tracks, channels, strict=True):
        programs = track.controls["data1"][track.controls["status"] == PROGRAM_CHANGE]
        found |= {(track.port, channel, program) for program in set(programs.tolist())}
    return frozenset(found)


def _on_ticks(tracks: Sequence[Track], rows: npt.NDArray[np.void], tempo: TempoTicks) -> NoteTable:
    """Put the notes of all tracks on ticks in one go."""
    part = np.arange(len(tracks), dtype=np.int64).repeat([len(track.notes) for track in tracks])
    start, end = tempo.at(times(rows))
    return NoteTable(part, start, end, rows["pitch"], rows["velocity"])


def _spill(parts: list[Part], notes: NoteTable, changes: list[Change]) -> NoteTable:
    """Move overlapping notes to parts of their own while there are free channels."""
    voice = voices(notes)
    free = free_channels([part.channel for part in parts])
    target = notes.part.copy()
    for index, part in enumerate(list(parts)):
        most = 0 if part.track.is_drum else int(voice[notes.part == index].max(initial=0))
        levels = range(1, min(most, len(free)) + 1)
        for level in levels:
            target[(notes.part == index) & (voice == level)] = len(parts)
            parts.append(Part(part.track, part.program, free.pop(0), spilled=True))
        if moved := int(np.count_nonzero(target[notes.part == index] != index)):
            channels = ", ".join(str(spilled.channel + 1) for spilled in parts[-len(levels) :])
            what = f"overlapping notes moved to further channels ({channels}): {moved:,}"
            changes.append(Change("overlap", shown(part.track), what, moved))
    notes.part = target
    return notes.sort()


def _resolve(
    parts: Sequence[Part], notes: NoteTable, overlap: Overlap, tempo: TempoTicks
) -> list[Change]:
    """Apply the overlap policy to what overlaps, in place, and list it."""
    if overlap == "keep":
        n = nested(notes)
        what = f"{n:,} notes lie inside longer ones of their pitch; a reader will swap their ends"
        return [Change("overlap", "", what, n)] if n else []
    if overlap == "error":
        over = overlapping(notes)
        if len(over):
            row = int(over[0])
            name, pitch = shown(parts[int(notes.part[row])].track), int(notes.pitch[row])
            raise ConversionError(
                f"{name}: pitch {pitch} at {_second(notes, row, tempo):.3f} s still sounds when it "
                "is struck again; pass overlap='trim', 'spill' or 'keep'"
            )
        return []
    trimmed, together = trim(notes)
    tracks = [part.track for part in parts]
    changes = counted(tracks, notes, trimmed, "overlap", "ended where the pitch is struck again")
    what = "left together with another that begins there on its pitch"
    return changes + counted(tracks, notes, together, "overlap", what)


def _second(notes: NoteTable, row: int, tempo: TempoTicks) -> float:
    ticks = notes.start[row : row + 1]
    return float(seconds_from_ticks(ticks, tempo.ticks, tempo.micro, tempo.ticks_per_quarter)[0])
