"""A program that tells everything it can about a fetch: what `tests.bench.net.leaks` searches.

    python -P verbose.py program|async DEADLINE CLIP_ID…

Every logger writes at DEBUG, every error is shown with the local variables of each frame and
pickled, and the objects it holds are printed, copied and pickled as far as they let that be done.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import logging
import pickle
import sys
import traceback
from typing import Any

import midikit


def tell(name: str, value: object) -> None:
    """Print an object in every way there is."""
    print(name, repr(value), str(value), f"{value}")
    for way in (vars, copy.copy, copy.deepcopy, pickle.dumps):
        with contextlib.suppress(Exception):
            print(name, way(value))
    with contextlib.suppress(Exception):
        print(name, pickle.dumps(value, 0))
    for attribute in dir(value):
        with contextlib.suppress(Exception):
            held: Any = getattr(value, attribute)
            if not callable(held):
                print(name, attribute, repr(held))


def tell_error(error: BaseException) -> None:
    """Print an error, its causes, its frames and their variables."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    print("".join(shown.format()))
    seen: BaseException | None = error
    while seen is not None:
        tell("error", seen)
        frame = seen.__traceback__
        while frame is not None:
            print(frame.tb_frame.f_code.co_qualname, dict(frame.tb_frame.f_locals))
            frame = frame.tb_next
        seen = seen.__cause__ or seen.__context__


def fetch(clips: list[str], deadline: float) -> None:
    """Fetch and tell."""
    with midikit.Client(on_event=lambda event: tell("event", event)) as client:
        tell("client", client)
        for clip_id in clips:
            try:
                clip = client.fetch(clip_id, deadline=deadline)
                tell("clip", clip)
                tell("song", clip.song)
            except midikit.MidikitError as error:
                tell_error(error)
        tell("client", client)


async def fetch_together(clips: list[str], deadline: float) -> None:
    """Fetch all at once, and tell."""
    async with midikit.AsyncClient(on_event=lambda event: tell("event", event)) as client:
        tell("client", client)
        calls = (client.fetch(clip_id, deadline=deadline) for clip_id in clips)
        for clip in await asyncio.gather(*calls, return_exceptions=True):
            if isinstance(clip, BaseException):
                tell_error(clip)
            else:
                tell("clip", clip)
        tell("client", client)


def main() -> None:
    """Fetch as the command line says."""
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    way, deadline, *clips = sys.argv[1:]
    try:
        if way == "async":
            asyncio.run(fetch_together(clips, float(deadline)), debug=True)
        else:
            fetch(clips, float(deadline))
    except midikit.MidikitError as error:
        tell_error(error)


if __name__ == "__main__":
    main()
