"""Which of the sixteen MIDI channels each track plays on.

Drums go to channel 10 (index 9), every melodic track to a channel of its own and never to 10. A
channel that the source used for one unit alone is kept. Two things make tracks share:

* the source had them on one channel, and one of them holds controls, bends or pressure that the
  others hear (a piano's two hands and its pedal), and they play one program;
* there are more than 15: tracks of the same program share first.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from midikit.convert.arrange.naming import shown
from midikit.gm import DRUM_CHANNEL
from midikit.model.events import CONTROL_CHANGE, PROGRAM_CHANGE, as_controls
from midikit.model.report import Change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from midikit.model.song import Track

__all__ = ["assign_channels", "free_channels", "is_lone_volume", "settle_volumes"]

_MELODIC = tuple(channel for channel in range(16) if channel != DRUM_CHANNEL)
_VOLUME = 7
_DEFAULT_VOLUME = 100
_PLAUSIBLE_VOLUME = 40


@dataclass(slots=True)
class _Unit:
    """Tracks that share one channel."""

    members: list[int]
    program: int | None
    source: int | None
    size: int
    port: int
    channel: int = field(default=-1)


def is_lone_volume(track: Track) -> bool:
    """Tell whether a track's only control is a playing level after its last note has begun.

    Parameters
    ----------
    track : Track
        The track.

    Returns
    -------
    bool
        True for the stray CC7 that sequencers import as a volume ramp over the whole song; False
        for one below 40, which ends a track on purpose.
    """
    if not len(track.controls) or not len(track.notes):
        return False
    controls = track.controls[track.controls["status"] != PROGRAM_CHANGE]
    if len(controls) != 1:
        return False
    only = controls[0]
    late = bool(only["seconds"] >= track.notes["start"][-1]) and bool(only["seconds"] > 0)
    is_volume = only["status"] == CONTROL_CHANGE and only["data1"] == _VOLUME
    return late and bool(is_volume) and only["data2"] >= _PLAUSIBLE_VOLUME


def settle_volumes(tracks: Sequence[Track]) -> tuple[tuple[Track, ...], list[Change]]:
    """Move stray volumes to the start of their tracks.

    Parameters
    ----------
    tracks : sequence of Track
        The tracks.

    Returns
    -------
    tracks : tuple of Track
        The same with each lone late volume at second 0.
    changes : list of Change
        One a track that had one.
    """
    settled, changes = list(tracks), []
    for index, track in enumerate(tracks):
        if not is_lone_volume(track):
            continue
        controls = track.controls.copy()
        controls["seconds"][controls["status"] != PROGRAM_CHANGE] = 0.0
        settled[index] = replace(track, controls=as_controls(controls))
        what = "its only volume control stood at its end; moved to its start"
        changes.append(Change("volume", shown(track), what))
    return tuple(settled), changes


def assign_channels(
    tracks: Sequence[Track], programs: Sequence[int | None]
) -> tuple[list[int], list[Change]]:
    """Choose the channel of each track.

    Parameters
    ----------
    tracks : sequence of Track
        The tracks.
    programs : sequence of (int or None)
        The program each plays.

    Returns
    -------
    channels : list of int
        Channel 0..15 of each track.
    changes : list of Change
        Drums that were moved, and tracks that share a channel.
    """
    changes = _kits(tracks, programs)
    if _are_free(tracks):
        free = iter(_MELODIC)
        return [DRUM_CHANNEL if track.is_drum else next(free) for track in tracks], changes
    channels = [DRUM_CHANNEL] * len(tracks)
    moved = [
        Change("drums", shown(track), "moved to channel 10, where drums play")
        for track in tracks
        if track.is_drum and track.channel not in (None, DRUM_CHANNEL)
    ]
    changes = moved + changes
    for port in dict.fromkeys(track.port for track in tracks):
        units = _units(tracks, programs, port)
        _give(units)
        changes += _shared(tracks, units)
        for unit in units:
            for member in unit.members:
                channels[member] = unit.channel
    return channels, changes


def _are_free(tracks: Sequence[Track]) -> bool:
    """Whether no track had a channel and there is one for each, as in nearly every answer."""
    melodic = 0
    for track in tracks:
        if track.channel is not None or track.port or not len(track.notes):
            return False
        melodic += not track.is_drum
    return melodic <= len(_MELODIC)


def _kits(tracks: Sequence[Track], programs: Sequence[int | None]) -> list[Change]:
    """List the drum tracks that choose another kit than the first of their port."""
    changes = []
    owners: dict[int, int] = {}
    for index, track in enumerate(tracks):
        if not track.is_drum or programs[index] is None:
            continue
        owner = owners.setdefault(track.port, index)
        if programs[owner] != programs[index]:
            what = f"shares channel 10 with {shown(tracks[owner])}, and they choose different kits"
            changes.append(Change("channel", shown(track), what))
    return changes


def _units(tracks: Sequence[Track], programs: Sequence[int | None], port: int) -> list[_Unit]:
    """Group the melodic tracks of one port into those that must share a channel."""
    by_source: dict[int, list[int]] = {}
    groups: list[list[int]] = []
    for index, track in enumerate(tracks):
        if track.is_drum or track.port != port:
            continue
        if track.channel is None:
            groups.append([index])
        elif track.channel in by_source:
            by_source[track.channel].append(index)
        else:
            by_source[track.channel] = group = [index]
            groups.append(group)
    units = []
    for group in groups:
        for members in _split(tracks, programs, group):
            sounding = [index for index in members if len(tracks[index].notes)] or members
            size = sum(len(tracks[index].notes) for index in members)
            first = tracks[members[0]]
            units.append(_Unit(members, programs[sounding[0]], first.channel, size, port))
    return units


def _split(
    tracks: Sequence[Track], programs: Sequence[int | None], group: list[int]
) -> list[list[int]]:
    """Split tracks of one source channel, unless some hear the controls of others."""
    if len(group) == 1:
        return [group]
    sounding = [index for index in group if len(tracks[index].notes)]
    silent = [index for index in group if not len(tracks[index].notes)]
    shared = any(len(tracks[index].controls) for index in silent) or any(
        _holds_controls(tracks[index]) for index in sounding
    )
    if len({programs[index] for index in sounding}) <= 1 and shared:
        return [group]
    if not sounding:
        return [group]
    # Whatever a silent track holds goes with the first track that it can be heard on.
    return [[sounding[0], *silent], *([index] for index in sounding[1:])]


def _holds_controls(track: Track) -> bool:
    """Whether a track holds anything that others on its channel hear; the default volume is not."""
    if not len(track.controls):
        return False
    controls = track.controls[track.controls["status"] != PROGRAM_CHANGE]
    is_default = (
        (controls["status"] == CONTROL_CHANGE)
        & (controls["data1"] == _VOLUME)
        & (controls["data2"] == _DEFAULT_VOLUME)
    )
    return not bool(is_default.all())


def _give(units: list[_Unit]) -> None:
    """Give each unit a channel; units beyond the fifteenth share."""
    sounding = [unit for unit in units if unit.size] or units
    owners = _owners(sounding)
    free = list(_MELODIC)
    for unit in owners:  # keep what the source had, where one unit alone had it
        if unit.source in free and unit.source is not None:
            unit.channel = unit.source
            free.remove(unit.source)
    for unit in owners:
        if unit.channel < 0:
            unit.channel = free.pop(0)
    taken = {id(unit) for unit in owners}
    for unit in units:
        if id(unit) in taken:
            continue
        if not unit.size and free:
            unit.channel = free.pop(0)
            continue
        same = [owner for owner in owners if owner.program == unit.program]
        host = min(same or owners, key=lambda owner: owner.size)
        unit.channel = host.channel
        host.size += unit.size


def _owners(units: list[_Unit]) -> list[_Unit]:
    """Choose the fifteen units that own a channel: one a program first, then the largest."""
    room = len(_MELODIC)
    if len(units) <= room:
        return units
    first = {unit.program: position for position, unit in reversed(list(enumerate(units)))}
    leaders = set(sorted(first.values())[:room])
    rest = [position for position in range(len(units)) if position not in leaders]
    rest.sort(key=lambda position: (-units[position].size, position))
    chosen = leaders | set(rest[: room - len(leaders)])
    return [unit for position, unit in enumerate(units) if position in chosen]


def _shared(tracks: Sequence[Track], units: list[_Unit]) -> list[Change]:
    """List who plays on one channel with whom."""
    changes = []
    owners: dict[int, _Unit] = {}
    for unit in units:
        owner = owners.setdefault(unit.channel, unit)
        first = tracks[unit.members[0]]
        if owner is not unit:
            host = shown(tracks[owner.members[0]])
            what = f"shares channel {unit.channel + 1} with {host}: more than 15 melodic tracks"
            if owner.program != unit.program:
                what += ", and they play different programs"
            changes.append(Change("channel", shown(first), what))
        if len(unit.members) == 1:
            continue
        sounding = [index for index in unit.members if len(tracks[index].notes)]
        if len(sounding) > 1:
            others = ", ".join(shown(tracks[index]) for index in sounding[1:4])
            what = (
                f"keeps channel {unit.channel + 1} together with {others}, for the controls there"
            )
            changes.append(Change("channel", shown(first), what))
    return changes


def free_channels(channels: Sequence[int]) -> list[int]:
    """List the melodic channels nobody plays on.

    Parameters
    ----------
    channels : sequence of int
        Channels in use.

    Returns
    -------
    list of int
        The others, without the drum channel.
    """
    used = set(np.unique(np.array(channels, np.int64)).tolist())
    return [channel for channel in _MELODIC if channel not in used]
