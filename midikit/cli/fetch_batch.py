"""Fetching for the command line: each clip told and written as it comes, an orderly end.

Clips are named by their ids alone and each is forgotten once it was told, so that memory does not
grow with their number.
"""

from __future__ import annotations

import contextlib
import sys
import time
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from midikit.cli.calls import heeding_interrupts, print_unsaved
from midikit.cli.exits import Exit
from midikit.cli.fetch_plan import known_records
from midikit.cli.fetch_progress import progress
from midikit.cli.fetch_tally import Tally, outcome_of
from midikit.cli.outputs import typed, write_outputs
from midikit.cli.report import MOST_LINES
from midikit.cli.rows import error_row
from midikit.cli.words import count, length, size
from midikit.errors import BudgetError, MidikitError, TokenError
from midikit.escape import printable, unique_stems
from midikit.fetch.budget import Budget
from midikit.fetch.client import Client
from midikit.fetch.disk.sqlite import SqliteArchive
from midikit.fetch.hosting import may_be_hosted
from midikit.fetch.many import Stop, StoppedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from midikit.cli.fetch_progress import Bar
    from midikit.cli.fetch_tally import Outcome
    from midikit.cli.report import Report
    from midikit.fetch.archive import Record
    from midikit.fetch.clip import Clip

__all__ = ["Batch", "Wishes"]

_FEW = 20
"""Most clips that are told one by one; of more only what failed, and the sums."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """How to fetch.

    Parameters
    ----------
    deadline : float
        Seconds for each clip.
    jobs : int
        Clips at a time.
    max_credits : int or None
        Most calls that may be charged.
    resend_unknown : bool
        Ask again for clips of unknown outcome.
    folder : Path or None
        Where to write the files of each clip as well.
    force : bool
        Replace files there.
    """

    deadline: float
    jobs: int
    max_credits: int | None = None
    resend_unknown: bool = False
    folder: Path | None = None
    force: bool = False


class Batch:
    """Fetches clips and tells what became of them.

    Parameters
    ----------
    report : Report
        Where it is printed.
    ids : sequence of str
        The clips, each once.
    wishes : Wishes
        How to fetch.
    """

    def __init__(self, report: Report, ids: Sequence[str], wishes: Wishes) -> None:
        self.worst: int = Exit.DONE
        self._report = report
        self._ids = ids
        self._wishes = wishes
        self._is_few = len(ids) <= _FEW
        self._tells_each = self._is_few or report.as_json
        self._tally = Tally(len(ids))
        limit = wishes.max_credits
        self._budget = Budget(sys.maxsize if limit is None else limit)
        self._stems: dict[str, str] = {}
        if wishes.folder is not None:
            # "a.hosted.mid" is the hosted file of "a".
            stems = unique_stems(ids, "clip", reserved=".hosted")
            self._stems = dict(zip(ids, stems, strict=True))
        self._failures = 0
        self._is_ended = False

    def run(self) -> None:
        """Fetch every clip.

        Raises
        ------
        KeyboardInterrupt
            After Ctrl-C, once the calls that were out have come back and were told.
        """
        # What ends the calls does not end what is here already; Ctrl-C ends both.
        calls, rest = Stop(), Stop()
        with heeding_interrupts(calls, rest) as interrupts, SqliteArchive() as archive:
            with Client(budget=self._budget, archive=archive) as client:
                there = self._complete(archive)
                needs_look = self._tells_each or self._wishes.folder is not None
                if not needs_look:
                    self._tally.add("archive", len(there))
                total, done = len(self._ids), self._tally.done
                with progress(self._report, total, done, lambda: self._budget.spent) as bar:
                    # What is missing comes first: it may be gone tomorrow.
                    missing = (each for each in self._ids if each not in there)
                    self._fetch(missing, client, archive, calls, bar)
                    if needs_look:
                        present = (each for each in self._ids if each in there)
                        self._fetch(present, client, archive, rest, bar)
            further = self._failures - MOST_LINES
            if further > 0 and not self._is_few:
                more = f"and {count(further, 'more failure')}; --json lists each"
                self._report.say((more, "bad"))
            self._tally.tell(self._report, spent=self._budget.spent)
        if interrupts.heard:
            raise KeyboardInterrupt

    def _fetch(
        self, ids: Iterator[str], client: Client, archive: SqliteArchive, stop: Stop, bar: Bar
    ) -> None:
        """Fetch some of the clips."""
        results = client.fetch_many(
            ids,
            jobs=min(self._wishes.jobs, len(self._ids)),
            deadline=self._wishes.deadline,
            resend_unknown=self._wishes.resend_unknown,
            stop=stop,
        )
        with contextlib.closing(results):  # what is out comes back whatever happens here
            for clip_id, result in results:
                self._settle(clip_id, result, client, archive, bar)

    def _complete(self, archive: SqliteArchive) -> frozenset[str]:
        """Name the clips of a large batch that are here with all that can be had of them."""
        if self._is_few:
            return frozenset()
        now = time.time()
        return frozenset(
            record.clip_id
            for record in known_records(frozenset(self._ids), archive)
            if record.state == "delivered"
            and record.midi_sha256
            and (record.midi_origin == "hosted" or not may_be_hosted(record, now))
        )

    def _settle(
        self,
        clip_id: str,
        result: Clip | Exception,
        client: Client,
        archive: SqliteArchive,
        bar: Bar,
    ) -> None:
        """Tell what came of one clip."""
        row: dict[str, Any] = {"clip_id": clip_id, "error": None, "exit": 0}
        if isinstance(result, Exception):
            outcome = self._tell_error(clip_id, result, row, client, archive)
        else:
            outcome = "archive" if result.from_archive else "fetched"
            try:
                row |= self._tell_clip(clip_id, result)
            except Exception as error:  # noqa: BLE001 - one bad clip never costs the others
                self._fail(clip_id, error, row)
                self._tally.unwritten += 1
        self._tally.add(outcome)
        bar(self._tally.done)
        if isinstance(result, StoppedError) and not result.is_asked:
            return  # as if it had not been its turn
        self.worst = max(self.worst, row["exit"])
        if self._report.as_json:
            self._report.row(row | {"outcome": outcome})

    def _tell_error(
        self,
        clip_id: str,
        error: Exception,
        row: dict[str, Any],
        client: Client,
        archive: SqliteArchive,
    ) -> Outcome:
        """Print why a clip did not come, and tell what became of it."""
        record = _record(archive, clip_id)
        outcome = outcome_of(error, record)
        error = print_unsaved(error, client.unsaved)
        if outcome == "unknown":
            self._tally.note_unknown(clip_id, record)
        self._fail(clip_id, error, row)
        if record is not None:
            row["calls"] = record.calls
            row["sent"] = record.sent if isfinite(record.sent) else None
        return outcome

    def _fail(self, clip_id: str, error: Exception, row: dict[str, Any]) -> None:
        """Print an error; not that of every clip which the end of the batch has met."""
        shown = f"clip {printable(clip_id)}"
        is_silent = isinstance(error, StoppedError)
        if isinstance(error, (BudgetError, TokenError)):
            is_silent = self._is_ended
            self._is_ended = True
        if not is_silent:
            self._failures += 1
            is_silent = self._failures > MOST_LINES and not self._is_few
        row["error"] = error_row(error, shown) if is_silent else self._report.failure(error, shown)
        row["exit"] = row["error"]["exit"]

    def _tell_clip(self, clip_id: str, clip: Clip) -> dict[str, Any]:
        """Write a clip where -o says, and print it."""
        self._tally.rebuilt += clip.rebuilt
        self._tally.without_midi += clip.hosted is None
        outputs = self._write(clip_id, clip)
        if not self._tells_each:
            return {}
        song = clip.song
        where = "in the archive already" if clip.from_archive else "fetched"
        notes = f"{count(len(song.tracks), 'track')}, {count(song.note_count, 'note')}"
        kind = "rebuilt" if clip.rebuilt else "hosted"
        hosted = "" if clip.hosted is None else f", {kind} .mid {size(len(clip.hosted))}"
        self._report.say(
            (f"clip {printable(clip_id)}", "title"),
            f": {notes}, {length(song.end)}{hosted}; ",
            (where, "good"),
        )
        if outputs:
            self._report.say("  wrote ", (", ".join(typed(Path(path)) for path in outputs), "good"))
        if clip.hosted_problem:
            rebuilt = "; rebuilt from the notes" if clip.rebuilt else ""
            self._report.say(f"  hosted .mid: {clip.hosted_problem}{rebuilt}")
        return {
            "from_archive": clip.from_archive,
            "tracks": len(song.tracks),
            "notes": song.note_count,
            "seconds": song.end,
            "hosted_bytes": None if clip.hosted is None else len(clip.hosted),
            "hosted_problem": clip.hosted_problem,
            "rebuilt": clip.rebuilt,
            "outputs": outputs,
        }

    def _write(self, clip_id: str, clip: Clip) -> list[str]:
        """Write the answer and the .mid into the folder of -o; only a hosted one is named so."""
        folder = self._wishes.folder
        if folder is None:
            return []
        stem = self._stems[clip_id]
        files = {folder / f"{stem}.json": clip.raw}
        if clip.hosted is not None:
            ending = ".mid" if clip.rebuilt else ".hosted.mid"
            files[folder / f"{stem}{ending}"] = clip.hosted
        write_outputs(files, force=self._wishes.force)
        return [str(path) for path in files]


def _record(archive: SqliteArchive, clip_id: str) -> Record | None:
    """Look up what the ledger says of a clip; None if there is nothing, or it is damaged."""
    try:
        stored = archive.load(clip_id)
    except MidikitError:
        return None
    return None if stored is None else stored.record
