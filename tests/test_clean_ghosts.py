"""Known ghosts in songs: how many are taken out, and how many true notes; the bench in small."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

import midikit as mk
from tests.bench.beats_songs import POP909
from tests.bench.clean import MARKS, base_songs, measure
from tests.ghosts import KINDS, haunt, haunt_alike, haunt_otherwise, score

SEED = 4711  # not tuned on


@pytest.mark.parametrize("generator", ["drawn", "otherwise", "alike"])
@pytest.mark.parametrize("profile", MARKS)
def test_ghosts_go_and_true_notes_stay(
    profile: mk.cleaning.cleaning.Profile, generator: str
) -> None:
    """The marks are met, on the demo songs and on made ones, for each kind of ghost."""
    least, most = MARKS[profile]
    found, broken = measure(list(base_songs(SEED, 4)), SEED, profile, generator, 0.03)
    assert broken == []
    assert min(found.ghosts) > 20
    assert found.recall >= least
    assert found.loss <= most
    for kind, total, gone in zip(KINDS, found.ghosts, found.found, strict=True):
        assert gone >= (0.8 if generator == "alike" else 0.9) * total, kind


def test_labels_are_those_of_the_notes() -> None:
    """Without its ghosts a haunted song is the song; taking nothing out scores nothing."""
    for name, song in base_songs(SEED, 1):
        for haunting in (haunt, haunt_otherwise, haunt_alike):
            haunted = haunting(song, SEED)
            for track, labels in zip(haunted.song.tracks, haunted.labels, strict=True):
                true = track.notes[labels == 0]
                if len(true):
                    assert any(true.tobytes() == other.notes.tobytes() for other in song), name
            assert sum(int((labels == 0).sum()) for labels in haunted.labels) == song.note_count
            _, report = mk.clean(haunted.song, rules=[])
            assert (score(haunted, report).recall, score(haunted, report).loss) == (0.0, 0.0)


def test_songs_without_ghosts_lose_next_to_nothing() -> None:
    """The demo songs nothing, made ones a note in 500, performed piano two in 300."""
    reports = [mk.clean(song)[1] for _, song in base_songs(SEED, 4)]
    assert [len(report.edits) for report in reports[:6]] == [0] * 6
    assert sum(len(r.removed) for r in reports[6:]) <= sum(r.notes for r in reports[6:]) / 500
    lost, notes = [], 0
    with zipfile.ZipFile(POP909.parent / "dev_midi.zip") as archive:
        for name in [name for name in archive.namelist() if name.endswith(".mid")][::5]:
            song = mk.read_midi(archive.read(name))
            cleaned, report = mk.clean(song)
            assert mk.clean(cleaned)[0] is cleaned
            lost += report.removed["rule"].tolist()
            notes += report.notes
    music = np.isin(lost, ["stray", "crowded", "faint"]).sum()
    assert music <= notes / 300
    assert len(lost) <= notes / 150
