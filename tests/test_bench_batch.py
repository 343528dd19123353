"""The benchmark of batches measures what it says."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.bench import batches

if TYPE_CHECKING:
    from pathlib import Path


def test_answers_are_of_the_size_asked_for(tmp_path: Path) -> None:
    """Some are different, the others links to them, and every one converts."""
    paths = batches.write_answers(tmp_path, 70, 100)
    assert len({path.read_bytes() for path in paths}) == 60
    assert paths[60].samefile(paths[0])
    assert all(batches.cost(paths[:9], jobs=1, chunk=None).cpu > 0 for _ in range(2))


@pytest.mark.skipif(sys.platform != "linux", reason="reads peak memory from /proc")
def test_the_tables_name_each_way_and_its_mark(capsys: pytest.CaptureFixture[str]) -> None:
    """A few short songs are enough to see that it works."""
    words = ["--songs", "10", "--notes", "16", "--rounds", "1", "--memory", "10,20", "--commands"]
    batches.main(words)
    out = capsys.readouterr().out
    for name in ("one process", "pool, chunk 16", "convert --jobs 2", "20 songs  parent"):
        assert name in out
    assert out.count("mark 1.2: ") == 5
    assert out.count("marks 0.2 kB, 1.1: ") == 2
