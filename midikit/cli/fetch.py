"""``midikit fetch``: clips from the service into the archive."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections import Counter
from concurrent.futures import wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from midikit.cli.calls import (
    LARGE_BATCH,
    Fetcher,
    NotAskedError,
    draining,
    refuse_large_batch,
    wait_for,
)
from midikit.cli.exits import Exit
from midikit.cli.options import Number, WholeNumber
from midikit.cli.outputs import typed, write_outputs
from midikit.cli.report import Report, common_options, is_terminal
from midikit.cli.sources import canonical_id, check_ids, check_plain
from midikit.cli.words import count, length, size
from midikit.escape import printable, unique_stems
from midikit.files import read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from midikit.fetch.archive import Record
    from midikit.fetch.client import Clip

__all__ = ["fetch", "read_ids"]

_MAX_LIST_BYTES = 1 << 24
_THERE, _NEW = "in the archive", "to fetch"
_RUNNING, _UNKNOWN = "to fetch, was not ready", "asked for without an answer"
_HELP = f"""Fetch clips from the service into the archive.

\b
Examples:
  midikit fetch 29fc9d9e-a550-47d9-bfd2-6640a4025acc -o .
  midikit fetch --from ids.txt --dry-run
  midikit fetch --from ids.txt --max-credits 50 --jobs 4

The token comes from MIDIKIT_TOKEN, never from an option. A clip that is in the
archive (MIDIKIT_HOME) is not paid for again. What would meet every clip, such
as a refused token, an empty account or a full disk, ends the batch; any other
failure costs its own clip alone.

A clip whose call may have been charged without an answer is not asked for
again, now or later, unless --resend-unknown allows it: up to a credit more.
More than {LARGE_BATCH} new clips in a script need --max-credits.
"""


@click.command("fetch", help=_HELP)
@click.argument("clip_id", nargs=-1)
@click.option("--from", "id_file", metavar="FILE", help="Clip ids, one a line; - for stdin.")
@click.option(
    "-o",
    "--output",
    metavar="DIR",
    help="Also write ID.json and ID.hosted.mid there (ID.rebuilt.mid if that is gone).",
)
@click.option(
    "--deadline",
    type=Number(0.0, min_open=True),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="Longest time for each clip.",
)
@click.option("--jobs", type=WholeNumber(1, 32), default=1, help="Clips at a time.")
@click.option(
    "--max-credits",
    type=WholeNumber(0),
    metavar="N",
    help="Stop before the call after N calls that may be charged.",
)
@click.option(
    "--resend-unknown",
    is_flag=True,
    help="Ask again for clips that may have been charged without an answer.",
)
@click.option("--dry-run", is_flag=True, help="Say what it would cost and fetch nothing.")
@click.option("--force", is_flag=True, help="Replace files in DIR.")
@common_options
@click.pass_context
def fetch(  # noqa: PLR0917 - click passes one argument an option
    ctx: click.Context,
    clip_id: tuple[str, ...],
    id_file: str | None,
    output: str | None,
    deadline: float,
    jobs: int,
    max_credits: int | None,
    resend_unknown: bool,
    dry_run: bool,
    force: bool,
    as_json: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Fetch clips from the service into the archive."""
    ids = list(dict.fromkeys(canonical_id(word.removeprefix("clip:")) for word in clip_id))
    if id_file is not None:
        ids = list(dict.fromkeys([*ids, *read_ids(id_file)]))
    if not ids:
        raise click.UsageError("no clip id given; pass some, or --from FILE")
    check_ids(ids)
    if output is not None and not output:
        raise click.UsageError("-o is empty; expected a folder")
    if output == "-":
        raise click.UsageError("-o takes a folder; two files are written for each clip")
    report = Report(quiet=quiet, as_json=as_json, debug=debug)
    if dry_run:
        _dry_run(report, ids)
        return
    if max_credits is None:
        refuse_large_batch(ids, "pass --max-credits N")
    if resend_unknown:
        _print_resent(report, ids)
    fetcher = Fetcher(deadline=deadline, resend_unknown=resend_unknown, max_credits=max_credits)
    batch = _Batch(report, ids, fetcher, Path(output) if output else None, force=force)
    batch.run(jobs=jobs)
    ctx.exit(batch.worst)


def read_ids(source: str) -> list[str]:
    """Read clip ids from a file.

    Parameters
    ----------
    source : str
        The file, or ``-`` for standard input: an id a line, ``#`` begins a comment.

    Returns
    -------
    list of str
        The ids in order.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    if source != "-":
        check_plain(Path(source))
    data = (
        sys.stdin.buffer.read() if source == "-" else read_bytes(source, max_bytes=_MAX_LIST_BYTES)
    )
    lines = data.decode("utf-8-sig", "replace").splitlines()
    words = (line.partition("#")[0].strip() for line in lines)
    return [canonical_id(word.removeprefix("clip:")) for word in words if word]


def _dry_run(report: Report, ids: Sequence[str]) -> None:
    """Say what fetching would cost."""
    records = _records(ids)
    states = {clip_id: _state(record) for clip_id, record in records.items()}
    if report.as_json:
        for clip_id, state in states.items():
            row = {"in_archive": state == _THERE, "state": state, "exit": 0}
            report.row({"clip_id": clip_id, **row})
        return
    for clip_id, state in states.items():
        report.data(f"{printable(clip_id)}: {state}")
    tally = Counter(states.values())
    new = tally[_NEW] + tally[_RUNNING]
    report.data(
        f"{count(len(ids), 'clip')}: {tally[_THERE]:,} in the archive, {new:,} to fetch for "
        f"{count(new, 'credit')}; whether calls before a clip is ready cost more is not documented"
    )
    if tally[_UNKNOWN]:
        report.data(f"{count(tally[_UNKNOWN], 'clip')} {_UNKNOWN}: only with --resend-unknown")


def _records(ids: Sequence[str]) -> dict[str, Record | None]:
    """Look up what is known of each clip."""
    from midikit.fetch.sqlite import SqliteArchive  # noqa: PLC0415 - the help needs none of it

    with SqliteArchive() as archive:
        known = {record.clip_id: record for record in archive.list()}
    return {clip_id: known.get(clip_id) for clip_id in ids}


def _state(record: Record | None) -> str:
    """Say in words what is known of a clip."""
    if record is None:
        return _NEW
    words = {"delivered": _THERE, "running": _RUNNING, "unknown": _UNKNOWN, "in flight": _UNKNOWN}
    return words.get(record.state, _NEW)


def _print_resent(report: Report, ids: Sequence[str]) -> None:
    """Say what asking again may cost, before it is done."""
    from midikit.fetch.keeping import moment_of, reason_of  # noqa: PLC0415 - as above

    records = [record for record in _records(ids).values() if record is not None]
    resent = [record for record in records if _state(record) == _UNKNOWN]
    for record in resent:
        moment, reason = moment_of(record), reason_of(record)
        report.say(f"clip {printable(record.clip_id)}: asked for on {moment}: {reason}")
    if resent:
        report.say(
            f"asking again for {count(len(resent), 'clip')}, which may have been charged already: "
            f"up to {count(len(resent), 'credit')} more, and perhaps one for each call while a "
            "clip is not ready"
        )


class _Batch:
    """Fetches clips, a few at a time, and prints them in the order they were given."""

    def __init__(
        self,
        report: Report,
        ids: Sequence[str],
        fetcher: Fetcher,
        folder: Path | None,
        *,
        force: bool,
    ) -> None:
        self.worst: int = Exit.DONE
        self._report = report
        self._ids = ids
        self._fetcher = fetcher
        self._stems = dict(zip(ids, unique_stems(list(ids), "clip"), strict=True))
        self._folder = folder
        self._force = force
        self._stop = threading.Event()
        self._fetched = self._known = self._failed = 0

    def run(self, *, jobs: int) -> None:
        """Fetch every clip."""
        futures: list[Future[Clip]] = []
        with draining(min(jobs, len(self._ids)), self._stop) as pool:
            fetch_one = self._fetcher.fetch
            futures += (pool.submit(fetch_one, clip_id, self._stop) for clip_id in self._ids)
            for number, (clip_id, future) in enumerate(zip(self._ids, futures, strict=True)):
                with self._waiting(number):
                    wait_for(future)
                self._settle(clip_id, future)
                if self._fetcher.ended_by is not None:
                    self._give_up(futures[number + 1 :])
                    self._print_left(number + 1, futures)
                    break
        self._print_summary()

    @contextlib.contextmanager
    def _waiting(self, number: int) -> Iterator[None]:
        """Show on a terminal that something is going on."""
        if not (self._report.talks and is_terminal(sys.stderr)):
            yield
            return
        from rich.console import Console  # noqa: PLC0415 - only a terminal needs it

        text = f"fetching clip {number + 1:,} of {len(self._ids):,}"
        with Console(file=sys.stderr).status(text):
            yield

    def _settle(self, clip_id: str, future: Future[Clip]) -> None:
        """Print what came of one clip."""
        row: dict[str, Any] = {"clip_id": clip_id, "error": None, "exit": 0}
        shown = f"clip {printable(clip_id)}"
        try:
            row |= self._print_clip(clip_id, future.result())
        except Exception as error:  # noqa: BLE001 - one bad clip never costs the others
            row["error"] = self._report.failure(error, shown)
            row["exit"] = row["error"]["exit"]
            self._failed += 1
        self.worst = max(self.worst, row["exit"])
        if self._report.as_json:
            self._report.row(row)

    def _print_clip(self, clip_id: str, clip: Clip) -> dict[str, Any]:
        """Print what came of a clip, and write it where -o says."""
        self._known += clip.from_archive
        self._fetched += not clip.from_archive
        outputs = self._write(clip_id, clip)
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
        """Write the answer and the hosted file into the folder of -o."""
        if self._folder is None:
            return []
        stem = self._stems[clip_id]
        files = {self._folder / f"{stem}.json": clip.raw}
        if clip.hosted is not None:
            kind = "rebuilt" if clip.rebuilt else "hosted"
            files[self._folder / f"{stem}.{kind}.mid"] = clip.hosted
        write_outputs(files, force=self._force)
        return [str(path) for path in files]

    def _give_up(self, futures: Sequence[Future[Clip]]) -> None:
        """Call for no further clip; those that wait between two calls end."""
        self._stop.set()
        for future in futures:
            future.cancel()

    def _print_left(self, number: int, futures: Sequence[Future[Clip]]) -> None:
        """Print the clips that came back although the batch has stopped, and count the others."""
        left = 0
        for clip_id, future in zip(self._ids[number:], futures[number:], strict=True):
            if future.cancelled():
                left += 1
                continue
            wait([future])
            if isinstance(future.exception(), NotAskedError):
                left += 1
            else:
                self._settle(clip_id, future)
        if left:
            self._report.say((f"stopped: {count(left, 'clip')} not asked for", "bad"))

    def _print_summary(self) -> None:
        if len(self._ids) > 1:
            parts = [f"{self._fetched:,} fetched", f"{self._known:,} from the archive"]
            if self._failed:
                parts.append(f"{self._failed:,} failed")
            self._report.say((f"{count(len(self._ids), 'clip')}: {', '.join(parts)}", "title"))
