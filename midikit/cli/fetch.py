"""``midikit fetch``: clips from the service into the archive."""

from __future__ import annotations

import contextlib
import sys
import threading
from concurrent.futures import wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from midikit.cli.calls import draining, patient_client, wait_for
from midikit.cli.exits import Exit
from midikit.cli.outputs import write_outputs
from midikit.cli.report import Report, common_options, is_terminal
from midikit.cli.sources import REFUSED, canonical_id
from midikit.cli.words import count, length, size
from midikit.errors import (
    OutputError,
)
from midikit.escape import printable, unique_stems
from midikit.files import read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from midikit.fetch.client import Clip

__all__ = ["fetch", "read_ids"]

_STOPPING = (*REFUSED, OutputError)
"""What would happen to every other clip as well."""

_MAX_LIST_BYTES = 1 << 24
_HELP = """Fetch clips from the service into the archive.

\b
Examples:
  midikit fetch 29fc9d9e-a550-47d9-bfd2-6640a4025acc -o .
  midikit fetch --from ids.txt --dry-run
  midikit fetch --from ids.txt --deadline 600

The token comes from MIDIKIT_TOKEN, never from an option. A clip that is in the
archive (MIDIKIT_HOME) is not paid for again. A refused token and an empty
account end the batch; any other failure costs its own clip alone.
"""


class _NotAskedError(Exception):
    """A clip that was not asked for, because the batch had stopped."""


@click.command("fetch", help=_HELP)
@click.argument("clip_id", nargs=-1)
@click.option("--from", "id_file", metavar="FILE", help="Clip ids, one a line; - for stdin.")
@click.option("-o", "--output", metavar="DIR", help="Also write ID.json and ID.mid there.")
@click.option(
    "--deadline",
    type=click.FloatRange(0.0, min_open=True),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="Longest time for each clip.",
)
@click.option("--jobs", type=click.IntRange(1, 32), default=1, help="Clips at a time.")
@click.option("--dry-run", is_flag=True, help="Say what it would cost and fetch nothing.")
@click.option("--force", is_flag=True, help="Replace files in DIR.")
@common_options
@click.pass_context
def fetch(
    ctx: click.Context,
    clip_id: tuple[str, ...],
    id_file: str | None,
    output: str | None,
    deadline: float,
    jobs: int,
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
    if output == "-":
        raise click.UsageError("-o takes a folder; two files are written for each clip")
    report = Report(quiet=quiet, as_json=as_json, debug=debug)
    if dry_run:
        _dry_run(report, ids)
        return
    batch = _Batch(report, ids, Path(output) if output else None, force=force)
    batch.run(deadline=deadline, jobs=jobs)
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
    data = (
        sys.stdin.buffer.read() if source == "-" else read_bytes(source, max_bytes=_MAX_LIST_BYTES)
    )
    lines = data.decode("utf-8-sig", "replace").splitlines()
    words = (line.partition("#")[0].strip() for line in lines)
    return [canonical_id(word.removeprefix("clip:")) for word in words if word]


def _dry_run(report: Report, ids: Sequence[str]) -> None:
    """Say what fetching would cost."""
    from midikit.fetch.archive import Archive  # noqa: PLC0415 - the help needs none of it

    archive = Archive()
    known = [clip_id for clip_id in ids if clip_id in archive]
    new = len(ids) - len(known)
    if report.as_json:
        for clip_id in ids:
            report.row({"clip_id": clip_id, "in_archive": clip_id in archive, "exit": 0})
        return
    for clip_id in ids:
        where = "in the archive" if clip_id in archive else "to fetch"
        report.data(f"{printable(clip_id)}: {where}")
    report.data(
        f"{count(len(ids), 'clip')}: {len(known):,} in the archive, {new:,} to fetch for "
        f"{count(new, 'credit')}; whether calls before a clip is ready cost more is not documented"
    )


class _Batch:
    """Fetches clips, a few at a time, and prints them in the order they were given."""

    def __init__(
        self, report: Report, ids: Sequence[str], folder: Path | None, *, force: bool
    ) -> None:
        self.worst: int = Exit.DONE
        self._report = report
        self._ids = ids
        self._stems = dict(zip(ids, unique_stems(list(ids), "clip"), strict=True))
        self._folder = folder
        self._force = force
        self._stop = threading.Event()
        self._fetched = self._known = self._failed = 0

    def run(self, *, deadline: float, jobs: int) -> None:
        """Fetch every clip."""
        futures: list[Future[Clip]] = []
        with draining(min(jobs, len(self._ids)), self._stop) as pool:
            futures += (pool.submit(self._fetch, clip_id, deadline) for clip_id in self._ids)
            for number, (clip_id, future) in enumerate(zip(self._ids, futures, strict=True)):
                with self._waiting(number):
                    wait_for(future)
                if not self._settle(clip_id, future):
                    self._give_up(futures[number + 1 :])
                    self._print_left(number + 1, futures)
                    break
        self._print_summary()

    def _fetch(self, clip_id: str, deadline: float) -> Clip:
        """Fetch one clip, in a thread of the pool."""
        if self._stop.is_set():
            raise _NotAskedError
        with patient_client(clip_id, self._stop) as client:
            try:
                return client.fetch(clip_id, deadline=deadline)
            except _STOPPING as error:
                self._stop.set()  # at once, before another thread pays or asks in vain
                if "Client.unsaved" in str(error):
                    sys.stdout.buffer.write(client.unsaved[clip_id] + b"\n")
                    text = str(error).replace("in Client.unsaved alone", "printed on stdout")
                    raise OutputError(text) from None
                raise

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

    def _settle(self, clip_id: str, future: Future[Clip]) -> bool:
        """Print one clip; False if the others need not be tried."""
        row: dict[str, Any] = {"clip_id": clip_id, "error": None, "exit": 0}
        shown = f"clip {printable(clip_id)}"
        goes_on = True
        try:
            row |= self._print_clip(clip_id, future.result())
        except Exception as error:  # noqa: BLE001 - one bad clip never costs the others
            row["error"] = self._report.failure(error, shown)
            row["exit"] = row["error"]["exit"]
            self._failed += 1
            goes_on = isinstance(error, _FolderError) or not isinstance(error, _STOPPING)
        self.worst = max(self.worst, row["exit"])
        if self._report.as_json:
            self._report.row(row)
        return goes_on

    def _print_clip(self, clip_id: str, clip: Clip) -> dict[str, Any]:
        """Print what came of a clip, and write it where -o says."""
        self._known += clip.from_archive
        self._fetched += not clip.from_archive
        outputs = self._write(clip_id, clip)
        song = clip.song
        where = "in the archive already" if clip.from_archive else "fetched"
        notes = f"{count(len(song.tracks), 'track')}, {count(song.note_count, 'note')}"
        hosted = "" if clip.hosted is None else f", hosted .mid {size(len(clip.hosted))}"
        self._report.say(
            (f"clip {printable(clip_id)}", "title"),
            f": {notes}, {length(song.end)}{hosted}; ",
            (where, "good"),
        )
        if clip.hosted_problem:
            self._report.say(f"  hosted .mid: {clip.hosted_problem}")
        return {
            "from_archive": clip.from_archive,
            "tracks": len(song.tracks),
            "notes": song.note_count,
            "seconds": song.end,
            "hosted_bytes": None if clip.hosted is None else len(clip.hosted),
            "hosted_problem": clip.hosted_problem,
            "outputs": outputs,
        }

    def _write(self, clip_id: str, clip: Clip) -> list[str]:
        """Write the answer and the hosted file into the folder of -o."""
        if self._folder is None:
            return []
        stem = self._stems[clip_id]
        files = {self._folder / f"{stem}.json": clip.raw}
        if clip.hosted is not None:
            files[self._folder / f"{stem}.mid"] = clip.hosted
        try:
            write_outputs(files, force=self._force)
        except OutputError as error:
            # The clip is safe in the archive: this is a matter of this folder, not of the batch.
            raise _FolderError(str(error)) from None
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
            if isinstance(future.exception(), _NotAskedError):
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


class _FolderError(OutputError):
    """A file of -o that cannot be written, with the clip safe in the archive."""
