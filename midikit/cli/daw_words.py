"""What a producer needs when the file goes into a DAW: said last, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from midikit.cli.beat_words import grid_lines, wrapped
from midikit.cli.key import key_words
from midikit.cli.words import bpm_text, tempo_text
from midikit.escape import printable

if TYPE_CHECKING:
    from midikit.cli.conversion import Conversion
    from midikit.cli.settings import Settings
    from midikit.cli.sources import Opened
    from midikit.model.song import Song
    from midikit.model.tempo import TempoMap

__all__ = ["daw_row", "flat_lines", "flat_rows", "last_lines"]

_MOST_PARTS = 8
_LONGEST_NAME = 30


def last_lines(result: Conversion, settings: Settings, opened: Opened) -> list[str]:
    """Say tempo, meter, what else they may be, and how to get the file into a DAW.

    Parameters
    ----------
    result : Conversion
        What became of the input.
    settings : Settings
        What was asked for.
    opened : Opened
        The input.

    Returns
    -------
    list of str
        Lines of at most 80 characters.
    """
    lines = _tempo_lines(result, settings, opened)
    if result.key is not None and result.key.key is not None:
        more = (
            "; --key auto writes it" if settings.key == "off" and result.tempo is not None else ""
        )
        lines += wrapped("key", f"{key_words(result.key.key)}{more}")
    if result.tempo is not None and result.song.note_count:
        lines += wrapped("into a DAW", f"{_where(result, settings)}; {_advice(result, settings)}")
    return lines


def _tempo_lines(result: Conversion, settings: Settings, opened: Opened) -> list[str]:
    """Say tempo and meter as they were found, else the tempo that is written."""
    layout, tempo = result.layout, result.tempo
    if layout.is_estimated and layout.grid is not None:
        return grid_lines(layout.grid, layout.song)
    if tempo is None:
        return []
    return wrapped("tempo in the .mid", _tempo_words(tempo, settings, opened))


def daw_row(result: Conversion, settings: Settings) -> dict[str, Any] | None:
    """Put the same into plain values for JSON.

    Parameters
    ----------
    result : Conversion
        What became of the input.
    settings : Settings
        What was asked for.

    Returns
    -------
    dict or None
        ``bpm`` in quarters a minute, ``one_tempo``, ``meter``, ``first_note_bar`` and ``advice``;
        None without a .mid or without notes.
    """
    tempo, grid = result.tempo, result.layout.grid
    if tempo is None or not result.song.note_count:
        return None
    song = result.layout.song
    found = grid is not None and result.layout.is_estimated
    signatures = song.time_signatures
    return {
        "bpm": grid.qpm if found and grid is not None else float(tempo.qpm[0]),
        "one_tempo": bool(tempo.is_constant),
        "meter": list(signatures[-1][1:]) if signatures else [4, 4],
        "first_note_bar": _first_bar(song),
        "advice": f"{_where(result, settings)}; {_advice(result, settings)}",
    }


def _where(result: Conversion, settings: Settings) -> str:
    """Say where the file goes, and where its music begins there."""
    bar = _first_bar(result.layout.song)
    if not settings.split:
        return f"drag it to bar 1, its first note is in bar {bar:,}"
    unpack = "unpack it and " if settings.zipped else ""
    return f"{unpack}drag every part to bar 1, the first note is in bar {bar:,}"


def _advice(result: Conversion, settings: Settings) -> str:
    """Say what to do in a DAW that has a tempo of its own, or ignores tempo maps."""
    layout, tempo = result.layout, result.layout.song.tempo
    grid = layout.grid if layout.is_estimated else None
    if tempo.is_constant:
        if grid is not None and abs(grid.qpm / grid.bpm - 1.0) < 1e-9:
            return "if your DAW keeps its own tempo, set this one"
        return f"if your DAW keeps its own tempo, set {bpm_text(float(tempo.qpm[0]))} BPM"
    one_tempo = "--sync bar" if grid is not None and grid.is_constant else "--tempo constant"
    if settings.audio or settings.audio_offset:
        return "without its tempo map it leaves the audio"
    return f"if your DAW ignores tempo maps, convert with {one_tempo}"


def _first_bar(song: Song) -> int:
    """Tell the bar of the file that the music begins in."""
    from midikit.rhythm.barlines import bar_number  # noqa: PLC0415 - the help needs none of it

    return bar_number(song, min(float(track.notes["start"][0]) for track in song if len(track)))


def _tempo_words(tempo: TempoMap, settings: Settings, opened: Opened) -> str:
    """Say which tempo the .mid claims where it is not that of a grid that was found."""
    said = tempo_text(tempo)
    if not isinstance(settings.tempo, str):
        return f"{said}, as asked; the seconds stay"
    if not opened.is_answer:
        return f"{said}, as in the input"
    if settings.tempo == "source":
        return f"{said}, the default: the answer names none"
    if not opened.song.note_count:
        return f"{said}, a nominal one"
    return f"{said}, a nominal one (--tempo-hint BPM or --tempo BPM if you know it)"


def flat_lines(song: Song, *, can_accent: bool) -> list[str]:
    """Say which parts have one velocity throughout.

    Parameters
    ----------
    song : Song
        The song as it is written.
    can_accent : bool
        Whether to say that ``--accent`` would change that: where there is a beat, and no accents
        were given yet.

    Returns
    -------
    list of str
        Lines of at most 80 characters; none where all parts have several.
    """
    rows = flat_rows(song)
    if not rows:
        return []
    sounding = sum(len(track) > 0 for track in song)
    if 1 < len(rows) == sounding and len({row["velocity"] for row in rows}) == 1:
        said = f"every part at {rows[0]['velocity']}"
    else:
        said = ", ".join(
            f"{printable(row['name'].strip(), _LONGEST_NAME) or 'track ' + str(row['track'] + 1)} "
            f"at {row['velocity']}"
            for row in rows[:_MOST_PARTS]
        )
        said += f", {len(rows) - _MOST_PARTS:,} more" if len(rows) > _MOST_PARTS else ""
    more = "; --accent gives them accents" if can_accent else ""
    return wrapped("flat velocities", f"{said}{more}")


def flat_rows(song: Song) -> list[dict[str, Any]]:
    """Put the parts that have one velocity throughout into plain values for JSON.

    Parameters
    ----------
    song : Song
        The song as it is written.

    Returns
    -------
    list of dict
        ``track``, ``name`` and ``velocity`` of each.
    """
    from midikit.rhythm.accent import flat_velocity  # noqa: PLC0415 - loads numpy

    found = [(index, flat_velocity(track.notes)) for index, track in enumerate(song.tracks)]
    return [
        {"track": index, "name": song.tracks[index].name, "velocity": velocity}
        for index, velocity in found
        if velocity is not None
    ]
