"""What a comparison of two songs found, and words for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from midikit.errors import DifferenceError
from midikit.escape import printable
from midikit.model.joined import end_to_end
from midikit.model.notes import NOTE
from midikit.model.pitch import pitch_words
from midikit.verify.matches import Matches

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from midikit.model.notes import Notes
    from midikit.model.song import Song
    from midikit.verify.matches import ErrorSummary, TrackComparison

__all__ = ["Comparison"]

_NEAR = 1.0  # s; an extra note of this pitch not further away may be the missing one
_SHOWN_TRACKS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Comparison(Matches):
    """What `compare` found, in all and per track.

    Parameters
    ----------
    tracks : tuple of TrackComparison
        In the order of the reference, then what only the estimate has.
    tolerance : float
        Largest difference of onsets that still matched, in seconds.
    reference_song, estimate_song : Song
        What was compared.

    Examples
    --------
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> from midikit.verify.compare import compare
    >>> koto = Track("Koto", notes=as_notes([(0.0, 0.5, 60, 80), (1.0, 1.5, 64, 80)]))
    >>> less = Track("Koto", notes=as_notes([(0.002, 0.5, 60, 80)]))
    >>> report = compare(Song((koto,)), Song((less,)))
    >>> report
    <Comparison 1 of 2 notes match, 1 missing>
    >>> print(report)
    1 of 2 notes match within 3 ms, 1 missing (F1 0.667).
    Starts: median 2.00 ms off, largest 2.00 ms. Ends: equal. Velocities: equal.
    Koto: note 1 at 1.000 s, pitch 64 (E4), is missing
    """

    tracks: tuple[TrackComparison, ...]
    tolerance: float
    reference_song: Song
    estimate_song: Song

    def differences(self, limit: int = 5) -> list[str]:
        """Say the first differences in plain words.

        Parameters
        ----------
        limit : int, optional
            Most lines to give.

        Returns
        -------
        list of str
            By time. Notes count from 0 as in ``song["Koto"].notes``; a track without a counterpart
            is one line. Names are escaped.

        Examples
        --------
        >>> from midikit.model.song import Song
        >>> from midikit.verify.compare import compare
        >>> compare(Song(()), Song(())).differences()
        []
        """
        missing = _starts(self.reference_song, self.missing_notes)
        extra = _starts(self.estimate_song, self.extra_notes)
        # All are put in order first and only those that are shown put in words.
        found: list[tuple[float, Callable[[], str]]] = []
        a = b = 0
        for track in self.tracks:
            lost, surplus = missing[a : a + track.missing], extra[b : b + track.extra]
            a, b = a + track.missing, b + track.extra
            if not (track.reference and track.estimate):
                found += [
                    (start, partial(self._whole_track, track, start))
                    for start in [*lost[:1].tolist(), *surplus[:1].tolist()]
                ]
                continue
            for starts, is_missing in ((lost, True), (surplus, False)):
                found += [
                    (float(starts[i]), partial(self._one_note, track, i, missing=is_missing))
                    for i in np.argsort(starts, kind="stable")[:limit].tolist()
                ]
        found.sort(key=itemgetter(0))
        return [words() for _, words in found[:limit]]

    def raise_if_different(self) -> Comparison:
        """Raise if a note is missing or extra.

        Returns
        -------
        Comparison
            This comparison, so that calls chain.

        Raises
        ------
        DifferenceError
            If a note is missing or extra; the message counts them and names the first.

        Examples
        --------
        >>> from midikit.model.song import Song
        >>> from midikit.verify.compare import compare
        >>> compare(Song(()), Song(())).raise_if_different().same
        True
        """
        if self.same:
            return self
        source = printable(self.estimate_song.source, 200) or "the estimate"
        lines = "; ".join(self.differences(3))
        raise DifferenceError(f"{source}: {self.summary}; first: {lines}")

    def to_dict(self) -> dict[str, Any]:
        """Put everything but the single notes under its name.

        Returns
        -------
        dict
            Plain numbers, text and lists, fit for JSON.

        Examples
        --------
        >>> from midikit.model.song import Song
        >>> from midikit.verify.compare import compare
        >>> compare(Song(()), Song(())).to_dict()["f1"]
        1.0
        """
        return {
            "tolerance": self.tolerance,
            **self.numbers(),
            "tracks": [track.to_dict() for track in self.tracks],
            "differences": self.differences(),
        }

    def _song(self, *, missing: bool) -> Song:
        return self.reference_song if missing else self.estimate_song

    def _label(self, index: int, *, missing: bool) -> str:
        """Name a track so that it can be told from the others."""
        tracks = self._song(missing=missing).tracks
        name = tracks[index].name
        if not name.strip():
            return f"track {index}"
        alike = sum(track.name == name for track in tracks) > 1
        return f"{printable(name)} (track {index})" if alike else printable(name)

    def _whole_track(self, track: TrackComparison, start: float) -> str:
        """Say that a track has no counterpart."""
        missing = bool(track.reference)
        rows = track.missing_notes if missing else track.extra_notes
        label = self._label(int(rows["track"][0]), missing=missing)
        count = f"{len(rows):,} note{'' if len(rows) == 1 else 's'}"
        word = "missing" if missing else "extra"
        return f"{label}: the whole track is {word}, {count} from {start:.3f} s on"

    def _one_note(self, track: TrackComparison, i: int, *, missing: bool) -> str:
        """Say which note is missing or extra, and where a missing one may have gone."""
        row = (track.missing_notes if missing else track.extra_notes)[i]
        index = int(row["track"])
        note = self._song(missing=missing).tracks[index].notes[row["note"]]
        is_drum = self._song(missing=missing).tracks[index].is_drum
        label = self._label(index, missing=missing)
        where = f"note {row['note']} at {note['start']:.3f} s"
        text = f"{label}: {where}, pitch {pitch_words(int(note['pitch']), is_drum=is_drum)}, is "
        if not missing:
            return text + "extra"
        others = _take(self.estimate_song, track.extra_notes)
        gaps = others["start"][others["pitch"] == note["pitch"]] - note["start"]
        gaps = gaps[np.abs(gaps) <= _NEAR]
        if len(gaps) == 0:
            return text + "missing"
        gap = float(gaps[np.argmin(np.abs(gaps))])
        way = "later" if gap > 0 else "earlier"
        return f"{text}missing; an extra one is {abs(gap) * 1e3:.1f} ms {way}"

    def __str__(self) -> str:
        """Say the counts, errors, tracks that differ and first differences to a musician."""
        if self.matched + self.missing + self.extra == 0:
            return "No notes on either side."
        head, *rest = self.summary.split(", ")
        counts = ", ".join([f"{head} within {self.tolerance * 1e3:g} ms", *rest])
        lines = [f"{counts}." if self.same else f"{counts} (F1 {self.f1:.3f})."]
        if self.matched:
            velocity = self.velocity.max
            lines.append(
                f"Starts: {_milliseconds(self.onset)}. Ends: {_milliseconds(self.offset)}. "
                f"Velocities: {f'largest difference {velocity:g}' if velocity else 'equal'}."
            )
        different = [track for track in self.tracks if not track.same]
        if len(self.tracks) > 1:
            for track in different[:_SHOWN_TRACKS]:
                missing = bool(track.reference)
                index = (track.reference or track.estimate)[0]
                lines.append(f"{self._label(index, missing=missing)}: {track.summary}.")
            if len(different) > _SHOWN_TRACKS:
                lines.append(f"… and {len(different) - _SHOWN_TRACKS:,} more tracks.")
        return "\n".join(lines + self.differences())

    def _repr_html_(self) -> str:
        """Show counts, where notes are missing or extra, and a table, in notebooks."""
        from midikit.view.summary import comparison_html  # noqa: PLC0415 - looks from above

        return comparison_html(self)

    def __repr__(self) -> str:
        """Say the counts."""
        return f"<Comparison {self.summary}>"


def _starts(song: Song, rows: npt.NDArray[np.void]) -> npt.NDArray[np.float64]:
    """Look up the onsets of notes in seconds, all at once."""
    starts = end_to_end(track.notes for track in song.tracks)["start"]
    first = np.cumsum([0, *(len(track.notes) for track in song.tracks)])
    onsets: npt.NDArray[np.float64] = starts[first[rows["track"]] + rows["note"]]
    return onsets


def _take(song: Song, rows: npt.NDArray[np.void]) -> Notes:
    """Look up notes by track and index."""
    notes = np.empty(len(rows), NOTE)
    for index in np.unique(rows["track"]).tolist():
        mine = rows["track"] == index
        notes[mine] = song.tracks[index].notes[rows["note"][mine]]
    return notes


def _milliseconds(errors: ErrorSummary) -> str:
    """Say how far times are apart."""
    if round(errors.max * 1e5) == 0:  # less than the digits below can show
        return "equal"
    return f"median {errors.median * 1e3:.2f} ms off, largest {errors.max * 1e3:.2f} ms"
