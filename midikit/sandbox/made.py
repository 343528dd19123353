"""Made-up clips: as many as one likes, small, each with notes of its own.

Nothing is kept of them: answer and file are written from the id when they are asked for, the same
bytes each time.
"""

from __future__ import annotations

import json
import zlib

__all__ = ["made_answer", "made_id", "made_midi", "made_number"]

_PREFIX = "made-"
_NAMES = ("Electric Piano 1", "Acoustic Bass")
_STEP = 24
_PER_SECOND = 192
_NOTES = 8


def made_id(number: int) -> str:
    """Name a made-up clip.

    Parameters
    ----------
    number : int
        Which one, from 1.

    Returns
    -------
    str
        Its id.

    Examples
    --------
    >>> made_id(17), made_number("made-17"), made_number("made-017"), made_number("other")
    ('made-17', 17, None, None)
    """
    return f"{_PREFIX}{number}"


def made_number(clip_id: str) -> int | None:
    """Tell which made-up clip an id names.

    Parameters
    ----------
    clip_id : str
        The id.

    Returns
    -------
    int or None
        Its number, None if it is no such id.
    """
    digits = clip_id.removeprefix(_PREFIX)
    if len(digits) > 9 or not (digits.isascii() and digits.isdigit()):
        return None
    number = int(digits)
    return number if number and made_id(number) == clip_id else None


def _rows(clip_id: str) -> list[list[tuple[int, int, int]]]:
    """Give the notes of each instrument: pitch, start and end in ticks of 1/192 s."""
    chance = zlib.crc32(clip_id.encode("utf-8", "surrogatepass"))
    instruments = []
    for base in (60, 36):
        row = []
        for place in range(_NOTES):
            chance = (chance * 1103515245 + 12345) & 0xFFFFFFFF
            start = place * 2 * _STEP
            row.append((base + (chance >> 16) % 12, start, start + _STEP))
        instruments.append(row)
    return instruments


def made_answer(clip_id: str, midi_url: str | None) -> bytes:
    """Write the answer for a made-up clip.

    Parameters
    ----------
    clip_id : str
        Any id.
    midi_url : str or None
        Address of the hosted file, left out if None.

    Returns
    -------
    bytes
        JSON in the documented form: two instruments of eight notes.

    Examples
    --------
    >>> made_answer("made-1", None)[:46]
    b'{"code":200,"message":"success","data":{"instr'
    """
    data: dict[str, object] = {} if midi_url is None else {"midi_url": midi_url}
    data["instruments"] = [
        {
            "name": name,
            "notes": [
                {
                    "start": start / _PER_SECOND,
                    "end": end / _PER_SECOND,
                    "pitch": pitch,
                    "velocity": 91 / 127,
                }
                for pitch, start, end in row
            ],
        }
        for name, row in zip(_NAMES, _rows(clip_id), strict=True)
    ]
    body = {"code": 200, "message": "success", "data": data}
    return json.dumps(body, separators=(",", ":")).encode()


def made_midi(clip_id: str) -> bytes:
    """Write the hosted file of a made-up clip.

    Parameters
    ----------
    clip_id : str
        Any id.

    Returns
    -------
    bytes
        A file of format 1 with the notes of `made_answer`, 96 ticks a quarter at 120 BPM.

    Examples
    --------
    >>> made_midi("made-1")[:14].hex(" ")
    '4d 54 68 64 00 00 00 06 00 01 00 02 00 60'
    """
    chunks = [b"MThd" + bytes([0, 0, 0, 6, 0, 1, 0, len(_NAMES), 0, 96])]
    for name, row in zip(_NAMES, _rows(clip_id), strict=True):
        # Every delta is 0 or one step, so each fits in one byte.
        notes = b"".join(
            bytes([_STEP if number else 0, 0x90, pitch, 91, _STEP, 0x80, pitch, 64])
            for number, (pitch, _, _) in enumerate(row)
        )
        body = bytes([0, 0xFF, 3, len(name)]) + name.encode() + notes + bytes([0, 0xFF, 0x2F, 0])
        chunks.append(b"MTrk" + len(body).to_bytes(4, "big") + body)
    return b"".join(chunks)
