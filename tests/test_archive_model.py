"""Whatever is done to it, the archive on disk does what the one in memory does."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from math import nan
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from midikit.fetch.archive import STATES, Archive, Record, State, Stored
from midikit.fetch.disk.sqlite import SqliteArchive
from midikit.fetch.memory import MemoryArchive

CLIPS = ("29fc9d9e", "5b0e7a52", "A", "a")
bodies = st.none() | st.sampled_from([b"", b"{}", b'{"code": 200}', b"\x00" * 9000])


def plain(record: Record | None) -> Record | None:
    """Leave out what two archives cannot have in common: names of holders and moments."""
    if record is None:
        return None
    return replace(record, owner="somebody" * bool(record.owner), sent=0.0, changed=0.0)


def shown(stored: Stored | None) -> tuple[object, ...]:
    """Return what was loaded in a form that can be compared."""
    if stored is None:
        return ()
    return (plain(stored.record), stored.answer, stored.midi, stored.damage)


class Archives(RuleBasedStateMachine):
    """The same steps on both."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.model = MemoryArchive()
        self.archive = SqliteArchive(self.folder / "home")

    def teardown(self) -> None:
        """End, and look at every byte."""
        self.archive.close()
        with SqliteArchive(self.folder / "home") as archive:
            assert archive.verify().damage == ()
        shutil.rmtree(self.folder)

    @rule(clip=st.sampled_from(CLIPS), resend=st.booleans())
    def reserve(self, clip: str, resend: bool) -> None:
        """Ask both for a call."""
        asked = [a.reserve(clip, resend_unknown=resend) for a in (self.model, self.archive)]
        one, other = ((granted, plain(record)) for granted, record in asked)
        assert one == other

    @rule(
        clip=st.sampled_from(CLIPS),
        state=st.sampled_from(STATES),
        answer=bodies,
        midi=bodies,
        fragment=bodies,
        held=st.booleans(),
    )
    def store(
        self,
        clip: str,
        state: State,
        answer: bytes | None,
        midi: bytes | None,
        fragment: bytes | None,
        held: bool,
    ) -> None:
        """Store an outcome in both, with the bytes that it needs."""
        if state == "delivered" and answer is None:
            answer = b"{}"
        if answer is not None:
            state = "delivered"
        archives: tuple[Archive, Archive] = (self.model, self.archive)
        for archive in archives:
            stored = archive.load(clip)
            before = Record(clip, state, sent=nan) if stored is None else stored.record
            owner = before.owner if held else ""
            record = replace(before, state=state, problem="said", calls=3, owner=owner)
            archive.store(record, answer=answer, midi=midi, fragment=fragment)

    @rule()
    def end(self) -> None:
        """End the program that holds clips."""
        self.model.close()
        self.archive.close()
        self.archive = SqliteArchive(self.folder / "home")

    @invariant()
    def same(self) -> None:
        """Both have the same rows and bytes."""
        for clip in CLIPS:
            assert shown(self.archive.load(clip)) == shown(self.model.load(clip))
        rows = [[plain(record) for record in a.list()] for a in (self.model, self.archive)]
        assert rows[0] == rows[1]
        kept = [data for clip in CLIPS for data in self.archive.fragments(clip)]
        assert kept == [data for clip in CLIPS for data in self.model.fragments(clip)]


TestArchives = Archives.TestCase
TestArchives.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
