"""What ``convert`` says about one input that it has converted, in lines and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from midikit.cli.audio_words import audio_lines
from midikit.cli.beat_rows import audio_row, grid_row, lag_rows
from midikit.cli.beat_words import lag_lines, moved_words, wrapped
from midikit.cli.cleaning import clean_row
from midikit.cli.daw_words import daw_row, flat_lines, flat_rows
from midikit.cli.exits import Exit
from midikit.cli.key import key_row, span_rows
from midikit.cli.rows import change_row, repair_row, tempo_row
from midikit.cli.splitting import part_paths, part_rows
from midikit.cli.words import apart, count

if TYPE_CHECKING:
    from midikit.cli.checks import Moves
    from midikit.cli.conversion import Conversion
    from midikit.cli.outputs import Destination
    from midikit.cli.report import Report
    from midikit.cli.settings import Settings
    from midikit.cli.sources import Opened

__all__ = ["beat_lines", "moves_lines", "outcome_row", "print_check"]


def beat_lines(result: Conversion, settings: Settings, opened: Opened) -> list[str]:
    """Say how the audio and the parts lie, how far the song was moved, and what is flat.

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
    layout = result.layout
    lines = [] if result.audio is None else audio_lines(result.audio)
    if layout.sync_offset is not None:
        moved = moved_words(layout.sync_offset)
        lines += wrapped("offset", f"the whole song {moved}, for --sync bar")
    if not layout.is_aligned:
        kept = "parts left where they are (--align puts them together)"
        lines += lag_lines(result.song, layout.lags, kept)
    has_beat = layout.grid is not None or (settings.tempo == "source" and not opened.is_answer)
    return lines + flat_lines(layout.song, can_accent=has_beat and not settings.accent)


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
    before = "cleaning" if result.cleaned is not None or result.melody is not None else ""
    before = before or ("quantizing" if result.moves is not None else "")
    subject += f", before {before}," if before else ""
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
    outputs = [(target, path, result.files[target]) for target, path in destination.paths.items()]
    if destination.folder is not None:
        paths = part_paths(result.parts, destination)
        outputs += [("mid", path, data) for path, data in paths.items()]
    return {
        "outputs": [
            {"target": target, "path": str(path), "bytes": len(data)}
            for target, path, data in outputs
        ],
        "parts": part_rows(result.parts) if result.parts else None,
        "tracks": len(song.tracks),
        "notes": song.note_count,
        "seconds": song.end,
        "tempo": None if result.tempo is None else tempo_row(result.tempo),
        "grid": grid_row(layout.grid if layout.is_estimated else None),
        "lags": lag_rows(song, layout.lags),
        "aligned": layout.is_aligned,
        "sync_offset": layout.sync_offset,
        "audio_offset": audio_row(result.audio, settings.audio_offset),
        "flat": flat_rows(layout.song),
        "daw": daw_row(result, settings),
        "key": None if result.key is None else key_row(result.key.key),
        "keys": [] if result.key is None else span_rows(result.key.written),
        "repairs": [repair_row(repair) for repair in song.repairs],
        "changes": [change_row(change) for change in result.changes],
        "cleaned": clean_row(result.cleaned),
        "melody": clean_row(result.melody),
        "quantized": None
        if moves is None
        else {"notes": moves.notes, "moved": moves.moved, "largest": moves.largest},
        "read_back": True if result.has_mid else None,
        "check": None if checked is None else {"against": result.checked_name, **checked.to_dict()},
        "exit": int(Exit.DONE if checked is None or checked.same else Exit.DIFFERENT),
    }
