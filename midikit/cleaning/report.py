"""What a cleaning took out or trimmed, note by note, and words for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from midikit.cleaning.rules import WORDS
from midikit.errors import NotesError
from midikit.escape import printable
from midikit.model.notes import NOTE, as_notes
from midikit.model.pitch import pitch_words
from midikit.model.report import Change

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.model.notes import Notes
    from midikit.model.song import Song

__all__ = ["EDIT", "CleanReport"]

EDIT = np.dtype(
    [
        ("rule", "U12"),
        ("track", "i4"),
        ("note", "i4"),
        *((name, NOTE[name]) for name in NOTE.names or ()),
        ("new_end", "f8"),
        ("new_pitch", "i4"),
    ],
    align=True,
)
"""A note that is not what it was: the rule; index of its track, and of the note in it, in the song
that came in; the note as it came in; its end in seconds and pitch now, NaN and -1 if it is gone."""

_MOST_NAMES = 4


@dataclass(frozen=True, slots=True, eq=False)
class CleanReport:
    """What `clean` or `melody` did to a song: what went out is what came in less this list.

    Parameters
    ----------
    profile : str
        ``light``, ``strong`` or ``auto``; what was picked, for `melody`.
    notes : int
        Notes that came in.
    names : tuple of str
        Names of the tracks.
    drums : tuple of bool
        Whether each is a drum kit.
    strong : tuple of bool
        Whether each was cleaned strongly.
    edits : ndarray of `EDIT`, shape (m,)
        The notes, by track and then as they stood in it; read-only.

    Examples
    --------
    >>> from midikit.cleaning.cleaning import clean
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> notes = [(0.5 * i, 0.5 * i + 0.4, 60 + i, 80) for i in range(8)]
    >>> song = Song((Track("Koto", notes=as_notes([*notes, (1.2, 1.21, 67, 80)])),))
    >>> cleaned, report = clean(song)
    >>> report
    <CleanReport light: 1 of 9 notes taken out>
    >>> print(report)
    1 of 9 notes taken out (light): 1 short.
    Koto: note 3 at 1.200 s, pitch 67 (G4), taken out: too short to be meant
    """

    profile: str
    notes: int
    names: tuple[str, ...]
    drums: tuple[bool, ...]
    strong: tuple[bool, ...]
    edits: npt.NDArray[np.void]

    @property
    def removed(self) -> npt.NDArray[np.void]:
        """Rows of the notes that are gone."""
        rows: npt.NDArray[np.void] = self.edits[self.edits["new_pitch"] < 0]
        return rows

    @property
    def changed(self) -> npt.NDArray[np.void]:
        """Rows of the notes that are there with another end or pitch."""
        rows: npt.NDArray[np.void] = self.edits[self.edits["new_pitch"] >= 0]
        return rows

    @property
    def counts(self) -> dict[str, int]:
        """Notes by rule, in the order of the rules; only rules that found any."""
        rules, counts = np.unique(self.edits["rule"], return_counts=True)
        found = dict(zip(rules.tolist(), counts.tolist(), strict=True))
        return {rule: found[rule] for rule in WORDS if rule in found}

    @property
    def summary(self) -> str:
        """The counts in one line."""
        gone, changed = len(self.removed), len(self.changed)
        notes = f"{self.notes:,} note{'' if self.notes == 1 else 's'}"
        return f"{gone:,} of {notes} taken out" + (f", {changed:,} altered" if changed else "")

    def restore(self, song: Song) -> Song:
        """Put everything that is listed back.

        Parameters
        ----------
        song : Song
            What went out.

        Returns
        -------
        Song
            A song with the notes of the one that came in.

        Raises
        ------
        NotesError
            If a note that was altered is not in the song, or a track is not.

        Examples
        --------
        >>> from midikit.cleaning.cleaning import clean
        >>> from midikit.model.notes import as_notes
        >>> from midikit.model.song import Song, Track
        >>> song = Song((Track("Koto", notes=as_notes([(0.0, 0.5, 60, 80), (0.01, 0.5, 60, 80)])),))
        >>> cleaned, report = clean(song)
        >>> len(cleaned["Koto"]), len(report.restore(cleaned)["Koto"])
        (1, 2)
        """
        if len(song.tracks) != len(self.names):
            raise NotesError(f"{len(song.tracks)} tracks; expected {len(self.names)}")
        tracks = list(song.tracks)
        for index in np.unique(self.edits["track"]).tolist():
            edits = self.edits[self.edits["track"] == index]
            notes = _restored(tracks[index].notes, edits)
            tracks[index] = replace(tracks[index], notes=notes)
        return song.with_tracks(tuple(tracks))

    def lines(self, limit: int | None = 5) -> list[str]:
        """Say the first notes of the list in plain words.

        Parameters
        ----------
        limit : int or None, optional
            Most lines to give, None for all.

        Returns
        -------
        list of str
            By time. Notes count from 0 as in ``song["Koto"].notes`` of the song that came in; names
            are escaped.
        """
        order = np.argsort(self.edits["start"], kind="stable")[:limit]
        return [self._line(self.edits[row]) for row in order.tolist()]

    def changes(self) -> tuple[Change, ...]:
        """Say it for the changes of a song, a line a rule.

        Returns
        -------
        tuple of Change
            Each with the number of notes, and the tracks that most of them are in.
        """
        found = []
        for rule, count in self.counts.items():
            edits = self.edits[self.edits["rule"] == rule]
            verb = "taken out" if edits["new_pitch"][0] < 0 else "altered"
            ranked = Counter(edits["track"].tolist()).most_common()
            parts = [f"{self._label(track)} {number:,}" for track, number in ranked[:_MOST_NAMES]]
            more = len(ranked) - _MOST_NAMES
            parts += [f"and {more:,} more"] if more > 0 else []
            plural = "" if count == 1 else "s"
            what = f"{count:,} note{plural} {verb}, {WORDS[rule]}: {', '.join(parts)}"
            found.append(Change("clean", rule, what, count))
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Put the counts under their names.

        Returns
        -------
        dict
            Plain numbers, text and lists, fit for JSON.
        """
        return {
            "profile": self.profile,
            "removed": len(self.removed),
            "altered": len(self.changed),
            "rules": [{"rule": rule, "notes": count} for rule, count in self.counts.items()],
        }

    def _label(self, index: int) -> str:
        """Name a track so that it can be told from the others."""
        name = self.names[index]
        if not name.strip():
            return f"track {index}"
        alike = self.names.count(name) > 1
        return f"{printable(name)} (track {index})" if alike else printable(name)

    def _line(self, edit: np.void) -> str:
        index, pitch = int(edit["track"]), int(edit["pitch"])
        named = pitch_words(pitch, is_drum=self.drums[index])
        text = (
            f"{self._label(index)}: note {edit['note']} at {edit['start']:.3f} s, pitch {named}, "
        )
        if edit["new_pitch"] < 0:
            text += "taken out"
        elif edit["new_pitch"] != pitch:
            text += f"now {pitch_words(int(edit['new_pitch']))}"
        else:
            text += f"ends {1e3 * (edit['end'] - edit['new_end']):.0f} ms earlier"
        return f"{text}: {WORDS[str(edit['rule'])]}"

    def __str__(self) -> str:
        """Say the counts and the first notes to a musician."""
        if not len(self.edits):
            return f"Nothing to take out ({self.profile})."
        rules = ", ".join(f"{count:,} {rule}" for rule, count in self.counts.items())
        return "\n".join([f"{self.summary} ({self.profile}): {rules}.", *self.lines()])

    def __repr__(self) -> str:
        """Say the counts."""
        return f"<CleanReport {self.profile}: {self.summary}>"


def _restored(notes: Notes, edits: npt.NDArray[np.void]) -> Notes:
    """Put the notes of one track back as they were."""
    changed = edits[edits["new_pitch"] >= 0]
    after = np.empty(len(changed), NOTE)
    for name, source in (("start", "start"), ("end", "new_end"), ("pitch", "new_pitch")):
        after[name] = changed[source]
    after["velocity"] = changed["velocity"]
    before = np.empty(len(edits), NOTE)
    for name in NOTE.names or ():
        before[name] = edits[name]
    return as_notes(np.concatenate([_without(notes, after), before]))


def _without(notes: Notes, some: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
    """Take notes out, each one once.

    Raises
    ------
    NotesError
        If one is not there.
    """
    both = np.concatenate([some, notes])
    is_note = np.arange(len(both)) >= len(some)
    keys = [both[name] for name in NOTE.names or ()]
    order = np.lexsort((is_note, *keys))
    opens = np.ones(len(both), np.bool_)
    opens[1:] = np.any([key[order][1:] != key[order][:-1] for key in keys], axis=0)
    # Of each group of equal ones those to take out come first, and as many notes go after them.
    first = np.flatnonzero(opens)
    size = np.diff(np.append(first, len(both)))
    wanted = np.add.reduceat(~is_note[order], first, dtype=np.int64) if len(first) else size
    if (size < 2 * wanted).any():
        raise NotesError("a note that was altered is not in the song")
    rank = np.arange(len(both)) - np.repeat(first, size)
    kept: npt.NDArray[np.void] = both[order[rank >= np.repeat(2 * wanted, size)]]
    return kept
