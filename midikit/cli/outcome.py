"""What ``convert`` says about one input that it has converted, in lines and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from midikit.cli.audio_words import audio_lines
from midikit.cli.beat_rows import audio_row, grid_row, lag_rows
from midikit.cli.beat_words import grid_lines, lag_lines, moved_words, wrapped
from midikit.cli.exits import Exit
from midikit.cli.key import key_row, span_rows
from midikit.cli.rows import change_row, repair_row, tempo_row
from midikit.cli.words import apart, count, tempo_text

if TYPE_CHECKING:
    from midikit.cli.checks import Moves
    from midikit.cli.conversion import Conversion
    from midikit.cli.outputs import Destination
    from midikit.cli.report import Report
    from midikit.cli.settings import Settings
    from midikit.cli.sources import Opened
    from midikit.model.tempo import TempoMap

__all__ = ["beat_lines", "moves_lines", "outcome_row", "print_check"]


def beat_lines(result: Conversion, settings: Settings, opened: Opened) -> list[str]:
    """Say which tempo is written and why, what the beat is, and where the parts are.

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
    layout, tempo = result.layout, result.tempo
    lines = [] if result.audio is None else audio_lines(result.audio)
    if layout.is_estimated and layout.grid is not None:
        lines += grid_lines(layout.grid, layout.song)
    elif tempo is not None:
        lines += wrapped("tempo in the .mid", _tempo_words(tempo, settings, opened))
    if result.key is not None and result.key.written:
        lines += result.key.lines()
    if layout.sync_offset is not None:
        moved = moved_words(layout.sync_offset)
        lines += wrapped("offset", f"the whole song {moved}, for --sync bar")
    if not layout.is_aligned:
        kept = "parts left where they are (--align puts them together)"
        lines += lag_lines(result.song, layout.lags, kept)
    return lines


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


def moves_lines(moves: Moves, settings: Settings) -> list[str]:
    """Say what quantizing did.

    Parameters
    ----------
    moves : Moves
        How far the notes moved.
    settings : Settings
        What was asked for.

    Returns
    -------
    list of str
        Lines of at most 80 characters.
    """
    lines = "what each bar was played on" if settings.division == "auto" else settings.division
    most = f", at most {moves.largest * 1e3:.1f} ms" if moves.moved else ""
    moved = f"{moves.moved:,} of {count(moves.notes, 'note')} moved{most}"
    moved += "; none lost, added or reordered"
    return wrapped(f"quantized to {lines}", moved)


def print_check(report: Report, result: Conversion, opened: Opened) -> None:
    """Print how the notes that came in compare with those of another file.

    Parameters
    ----------
    report : Report
        Where it is printed.
    result : Conversion
        What became of the input.
    opened : Opened
        The input.
    """
    checked, name = result.checked, result.checked_name
    if checked is None:
        return
    subject = "the answer" if opened.is_answer else "the input"
    if result.moves is not None:
        subject += ", before quantizing,"
    if checked.same:
        farthest = f", {apart(checked.onset.max)}" if checked.matched else ""
        total = count(checked.matched, "note")
        report.say(
            "  ", (f"{subject} has the same notes as {name}", "good"), f": {total}{farthest}"
        )
    else:
        report.say("  ", (f"{subject} does not have the same notes as {name}", "bad"), ":")
        for line in str(checked).splitlines():
            report.item(line, 4)
    faults = sum(repair.count for repair in checked.reference_song.repairs)
    if faults:
        report.say(f"  {name} has {count(faults, 'fault')}; midikit inspect lists them")


def outcome_row(result: Conversion, settings: Settings, destination: Destination) -> dict[str, Any]:
    """Put what became of an input into plain values for JSON.

    Parameters
    ----------
    result : Conversion
        What became of it.
    settings : Settings
        What was asked for.
    destination : Destination
        Where it was written.

    Returns
    -------
    dict
        What stands in its JSON line beside source and error.
    """
    song, moves, checked = result.song, result.moves, result.checked
    layout = result.layout
    return {
        "outputs": [
            {"target": target, "path": str(path), "bytes": len(result.files[target])}
            for target, path in destination.paths.items()
        ],
        "tracks": len(song.tracks),
        "notes": song.note_count,
        "seconds": song.end,
        "tempo": None if result.tempo is None else tempo_row(result.tempo),
        "grid": grid_row(layout.grid if layout.is_estimated else None),
        "lags": lag_rows(song, layout.lags),
        "aligned": layout.is_aligned,
        "sync_offset": layout.sync_offset,
        "audio_offset": audio_row(result.audio, settings.audio_offset),
        "key": None if result.key is None else key_row(result.key.key),
        "keys": [] if result.key is None else span_rows(result.key.written),
        "repairs": [repair_row(repair) for repair in song.repairs],
        "changes": [change_row(change) for change in result.changes],
        "quantized": None
        if moves is None
        else {"notes": moves.notes, "moved": moves.moved, "largest": moves.largest},
        "read_back": True if "mid" in result.files else None,
        "check": None if checked is None else {"against": result.checked_name, **checked.to_dict()},
        "exit": int(Exit.DONE if checked is None or checked.same else Exit.DIFFERENT),
    }
