"""Send .mid files through read_midi and to_midi and let mido compare before and after.

    uv run python -m tests.bench.roundtrip FOLDER

Every file that mido can read is written again with ``programs="source"``; notes, controls, bends,
pressure, program changes, system exclusive, tempo, signatures, texts and names must be the same
events on the same ticks (channels may change). One line a file that differs, then the totals; exit
code 1 if any differs.
"""

from __future__ import annotations

import io
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import mido

from midikit.convert.midi import to_midi
from midikit.parse.midi import read_midi

NOT_COMPARED = {"channel_prefix", "end_of_track"}


def events(data: bytes) -> Counter[tuple[Any, ...]]:
    """Count what mido hears: notes paired first in, first out, and every other event by tick."""
    found: Counter[tuple[Any, ...]] = Counter()
    for track in mido.MidiFile(file=io.BytesIO(data), charset="latin-1").tracks:
        tick, last = 0, 0
        sounding: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for message in track:
            tick += message.time
            if message.type != "end_of_track":
                last = tick
            kind, fields = message.type, message.dict()
            if kind == "note_on" and message.velocity:
                key = (message.channel, message.note)
                sounding.setdefault(key, []).append((tick, message.velocity))
            elif kind in {"note_on", "note_off"}:
                waiting = sounding.get((message.channel, message.note))
                if waiting:
                    start, velocity = waiting.pop(0)
                    found["note", start, tick, message.note, velocity] += 1
            elif kind not in NOT_COMPARED:
                kept = sorted(
                    (k, str(v)) for k, v in fields.items() if k not in {"time", "channel"}
                )
                found[kind, tick, *kept] += 1
        for (_, pitch), waiting in sounding.items():
            for start, velocity in waiting:
                found["note", start, last, pitch, velocity] += 1
    return found


def end(data: bytes) -> int:
    """Return the tick at which the last track ends."""
    tracks = mido.MidiFile(file=io.BytesIO(data), charset="latin-1").tracks
    return max((sum(message.time for message in track) for track in tracks), default=0)


def once(counts: Counter[tuple[Any, ...]]) -> Counter[tuple[Any, ...]]:
    """Count tempo, signatures and names once a tick: repeating them in every track says nothing."""
    plain = {"set_tempo", "time_signature", "smpte_offset", "track_name"}
    return Counter({key: 1 if key[0] in plain else n for key, n in counts.items()})


def difference(data: bytes) -> tuple[Counter[tuple[Any, ...]], Counter[tuple[Any, ...]]]:
    """Return what is lost and what is new after one trip."""
    written = to_midi(
        read_midi(data), programs="source", overlap="keep", short="keep", tracks="source"
    )
    before, after = once(events(data)), once(events(written))
    if not any(key[0] == "set_tempo" and key[1] == 0 for key in before):
        after = Counter({k: n for k, n in after.items() if k[:2] != ("set_tempo", 0)})
    before["end", end(data)] += 1
    after["end", end(written)] += 1
    return before - after, after - before


def main(folder: str) -> int:
    """Compare every .mid below a folder."""
    same = refused = 0
    wrong = []
    for path in sorted(p for p in Path(folder).rglob("*") if p.suffix.lower() in {".mid", ".midi"}):
        data = path.read_bytes()
        try:
            events(data)
        except (ValueError, EOFError, OSError, IndexError, KeyError):
            refused += 1
            continue
        lost, new = difference(data)
        if lost or new:
            wrong.append(path)
            print(f"{path.name}: {sum(lost.values())} lost, {sum(new.values())} new")
            for side, rows in (("lost", lost), ("new", new)):
                for key, n in list(rows.items())[:5]:
                    print(f"    {side} {n} x {key}")
        else:
            same += 1
    print(f"{same} files the same, {len(wrong)} different, {refused} that mido cannot read")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
