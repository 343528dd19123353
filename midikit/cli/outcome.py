"""What ``convert`` says about one input that it has converted, in lines and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from midikit.cli.exits import Exit
from midikit.cli.rows import change_row, repair_row, tempo_row
from midikit.cli.words import apart, count, tempo_text

if TYPE_CHECKING:
    from midikit.cli.checks import Moves
    from midikit.cli.conversion import Conversion, Settings
    from midikit.cli.outputs import Destination
    from midikit.cli.report import Report
    from midikit.cli.sources import Opened
    from midikit.model.tempo import TempoMap

__all__ = ["moves_line", "outcome_row", "print_check", "tempo_line"]


def tempo_line(tempo: TempoMap, settings: Settings, opened: Opened) -> str:
    """Say which tempo the .mid claims, and why.

    Parameters
    ----------
    tempo : TempoMap
        What it claims.
    settings : Settings
        What was asked for.
    opened : Opened
        The input.

    Returns
    -------
    str
        One line.
    """
    if settings.bpm is not None:
        return f"{tempo_text(tempo)}, as asked; the seconds stay"
    if opened.is_answer:
        return f"{tempo_text(tempo)}, the default: the answer names none (--tempo BPM sets it)"
    return f"{tempo_text(tempo)}, as in the input"


def moves_line(moves: Moves, settings: Settings) -> str:
    """Say what quantizing did.

    Parameters
    ----------
    moves : Moves
        How far the notes moved.
    settings : Settings
        What was asked for.

    Returns
    -------
    str
        One line.
    """
    return (
        f"quantized to {settings.division}: {moves.moved:,} of {count(moves.notes, 'note')} moved, "
        f"at most {moves.largest * 1e3:.1f} ms; none lost, added or reordered"
    )


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
            report.say(f"    {line}")
    faults = sum(repair.count for repair in checked.reference_song.repairs)
    if faults:
        report.say(f"  {name} has {count(faults, 'fault')}; midikit inspect lists them")


def outcome_row(result: Conversion, destination: Destination) -> dict[str, Any]:
    """Put what became of an input into plain values for JSON.

    Parameters
    ----------
    result : Conversion
        What became of it.
    destination : Destination
        Where it was written.

    Returns
    -------
    dict
        What stands in its JSON line beside source and error.
    """
    song, moves, checked = result.song, result.moves, result.checked
    return {
        "outputs": [
            {"target": target, "path": str(path), "bytes": len(result.files[target])}
            for target, path in destination.paths.items()
        ],
        "tracks": len(song.tracks),
        "notes": song.note_count,
        "seconds": song.end,
        "tempo": None if result.tempo is None else tempo_row(result.tempo),
        "repairs": [repair_row(repair) for repair in song.repairs],
        "changes": [change_row(change) for change in result.changes],
        "quantized": None
        if moves is None
        else {"notes": moves.notes, "moved": moves.moved, "largest": moves.largest},
        "read_back": True if "mid" in result.files else None,
        "check": None if checked is None else {"against": result.checked_name, **checked.to_dict()},
        "exit": int(Exit.DONE if checked is None or checked.same else Exit.DIFFERENT),
    }
