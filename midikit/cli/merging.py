"""Several inputs that are one song: ``convert --merge``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from midikit.cli.sources import Opened, Source

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["merge_opened", "merged_source"]


def merged_source(sources: Sequence[Source]) -> Source:
    """Name the one song that several inputs are the parts of.

    Parameters
    ----------
    sources : sequence of Source
        The inputs.

    Returns
    -------
    Source
        Shown as the first and how many more; its outputs are called after the folder that all of
        them were found in, else ``merged``.
    """
    folders = {source.folder for source in sources}
    folder = folders.pop() if len(folders) == 1 else None
    stem = folder.resolve().name if folder is not None else ""
    return Source(f"{sources[0].shown} and {len(sources) - 1} more", stem or "merged", "merged")


def merge_opened(sources: Sequence[Source], opened: Sequence[Opened]) -> Opened:
    """Make one song of several inputs that were read.

    Parameters
    ----------
    sources : sequence of Source
        The inputs, such as the stems of a song.
    opened : sequence of Opened
        What was read.

    Returns
    -------
    Opened
        The song; a single input is returned as it is.
    """
    if len(opened) == 1:
        return opened[0]
    from midikit.convert.arrange.together import merge_songs  # noqa: PLC0415 - loads numpy

    song = merge_songs([one.song for one in opened], [source.stem for source in sources])
    return Opened(song, is_answer=all(one.is_answer for one in opened))
