"""What can be wrong with a Standard MIDI File, by name, and the list that is kept while reading.

======================= ==================================================================
kind                    what was found, and what is done about it
======================= ==================================================================
``junk``                up to 128 bytes before ``MThd``: ignored
``riff-length``         a RIFF/RMID wrapper that claims more bytes than there are: ignored
``header-length``       a header shorter than 6 bytes or past the file's end: read as 6 bytes; as
                        format 1 of 480 ticks a quarter if its tracks follow it
``header-format``       a format other than 0, 1 and 2, or a format 0 of several tracks: read as 1
``header-tracks``       a track count that is not the number of MTrk chunks: ignored
``header-division``     a division of 0 ticks or an unknown frame rate: read as 480 a quarter
``chunk-length``        a chunk whose length is not where its events or the file end: corrected
``trailing-bytes``      bytes that are no chunk, or a second file: ignored
``too-many-tracks``     MTrk chunks past the limit: ignored
``cut-short``           a track that ends inside an event: it ends before that event
``varint-length``       a number of more than four bytes: the track ends before that event
``no-status``           a data byte where no status was given yet: the track ends there
``system-message``      a status 0xF1 to 0xF6 or 0xF8 to 0xFE: the track ends there
``no-end-of-track``     a track without its end event: it ends with its last event
``after-end-of-track``  bytes of the chunk after the end event: ignored
``running-status``      running status used across a meta or sysex event: read on with it
``data-byte``           a data byte over 127: clipped to 127
``meta-type``           a meta type over 0x7F: the event is dropped
``meta-size``           a meta event of the wrong size: dropped (an end of track still ends it)
``meta-value``          a signature, SMPTE offset, channel or port that cannot be: dropped
``tempo-zero``          a tempo of 0 microseconds a quarter: read as 120 BPM
``sysex-empty``         a system exclusive event without any byte: dropped
``sysex-byte``          a system exclusive event holding status bytes: dropped
``hanging-note``        a note that is never ended: it ends at its track's last tick
``lone-note-off``       a note-off without a note: ignored
``overlapping-notes``   a pitch struck again while it sounds: ended first in, first out
======================= ==================================================================

The last three are found by `midikit.parse.midi`. Rows of one kind are listed up to a limit; past it
one row holds the number of all further ones, so that a report stays small whatever the file.
"""

from __future__ import annotations

from midikit.model.report import Repair

__all__ = ["Faults"]

_ROWS_PER_KIND = 200


class Faults:
    """Faults of one file in the order they are met.

    Examples
    --------
    >>> faults = Faults()
    >>> faults.add("data-byte", 31, 0, "data byte 200, expected 0 to 127", "clipped to 127")
    >>> print(faults.repairs()[0])
    byte 31, track 0: data byte 200, expected 0 to 127; clipped to 127
    """

    def __init__(self) -> None:
        self._rows: dict[str, list[Repair]] = {}
        self._further: dict[str, int] = {}

    def add(
        self,
        kind: str,
        offset: int,
        track: int | None,
        found: str,
        action: str,
        *,
        count: int = 1,
    ) -> None:
        """Add one fault.

        Parameters
        ----------
        kind : str
            A word of the table above.
        offset : int
            Byte offset in the file.
        track : int or None
            Index of the MTrk chunk, None outside any.
        found : str
            What was found and what was expected, fit for a terminal.
        action : str
            What was done about it.
        count : int, optional
            How many equal faults the row stands for.
        """
        rows = self._rows.setdefault(kind, [])
        if len(rows) >= _ROWS_PER_KIND:
            self._further[kind] = self._further.get(kind, 0) + count
            return
        place = f"byte {offset}" if track is None else f"byte {offset}, track {track}"
        rows.append(Repair(kind, place, found, action, count, offset, track))

    def is_full(self, kind: str) -> bool:
        """Tell whether further faults of a kind are only counted.

        Parameters
        ----------
        kind : str
            A word of the table above.

        Returns
        -------
        bool
            True once the rows of that kind are used up; what is found need not be put in words.
        """
        return len(self._rows.get(kind, ())) >= _ROWS_PER_KIND

    def repairs(self) -> tuple[Repair, ...]:
        """List the faults.

        Returns
        -------
        tuple of Repair
            By byte offset; then one row a kind for those past the limit.
        """
        if not self._rows:
            return ()
        rows = sorted(
            (row for rows in self._rows.values() for row in rows), key=lambda row: row.offset or 0
        )
        for kind, count in self._further.items():
            last = self._rows[kind][-1]
            rows.append(Repair(kind, "further on", "more faults of this kind", last.action, count))
        return tuple(rows)
