"""Which track of one song is compared with which of the other."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from midikit.model.song import Song

__all__ = ["TrackPair", "pair_tracks"]


class TrackPair(NamedTuple):
    """Tracks that are compared with each other.

    Parameters
    ----------
    reference : tuple of int
        Indices of the reference's tracks; none if the estimate's has no counterpart.
    estimate : tuple of int
        Indices of the estimate's tracks; none if the reference's has no counterpart.
    """

    reference: tuple[int, ...]
    estimate: tuple[int, ...]


def pair_tracks(reference: Song, estimate: Song) -> list[TrackPair]:
    """Pair the tracks of two songs.

    1. Tracks of the same name, tracks that share a name by their order.
    2. Of the rest, tracks whose name the other song does not know, by order: first drums with
       drums, then any with any. They may have been renamed.
    3. What one song still has too many of under a name both know, with such unknown ones.
    4. Failing that, the instrument is divided over another number of tracks: all tracks of the
       name are compared as one.

    Whatever is left has no counterpart.

    Parameters
    ----------
    reference : Song
        What should be there.
    estimate : Song
        What is there.

    Returns
    -------
    list of TrackPair
        Every track of both songs exactly once; by the reference's order, then the estimate's.

    Examples
    --------
    >>> from midikit.model.song import Song, Track
    >>> split = Song((Track("Bass"), Track("Bass"), Track("Kit", is_drum=True)))
    >>> whole = Song((Track("Drums", is_drum=True), Track("Bass")))
    >>> [tuple(pair) for pair in pair_tracks(split, whole)]
    [((0, 1), (1,)), ((2,), (0,))]
    """
    left, right = _indices_by_name(reference), _indices_by_name(estimate)
    pairs = [
        TrackPair((i,), (j,))
        for name, indices in left.items()
        for i, j in zip(indices, right.get(name, ()), strict=False)
    ]
    unknown_left = [i for name in left.keys() - right.keys() for i in left[name]]
    unknown_right = [j for name in right.keys() - left.keys() for j in right[name]]
    drums_left = [i for i in unknown_left if reference.tracks[i].is_drum]
    drums_right = [j for j in unknown_right if estimate.tracks[j].is_drum]
    pairs += _by_order(drums_left, drums_right)
    taken = {pair.reference[0] for pair in pairs}, {pair.estimate[0] for pair in pairs}
    unknown_left = [i for i in unknown_left if i not in taken[0]]
    unknown_right = [j for j in unknown_right if j not in taken[1]]
    pairs += _by_order(unknown_left, unknown_right)

    known = left.keys() & right.keys()
    surplus_left = [i for name in known for i in left[name][len(right[name]) :]]
    surplus_right = [j for name in known for j in right[name][len(left[name]) :]]
    pairs += _by_order(surplus_left, unknown_right)
    pairs += _by_order(unknown_left, surplus_right)
    pairs = _join(pairs, left, surplus_left, right, surplus_right)
    pairs += [TrackPair((i,), ()) for i in unknown_left]
    pairs += [TrackPair((), (j,)) for j in unknown_right]
    return sorted(pairs, key=lambda pair: (not pair.reference, pair))


def _indices_by_name(song: Song) -> dict[str, list[int]]:
    """Tell where each name occurs."""
    indices: dict[str, list[int]] = defaultdict(list)
    for index, track in enumerate(song.tracks):
        indices[track.name].append(index)
    return indices


def _by_order(left: list[int], right: list[int]) -> list[TrackPair]:
    """Pair the first with the first and so on, and take what is paired out of both lists."""
    left.sort()
    right.sort()
    pairs = [TrackPair((i,), (j,)) for i, j in zip(left, right, strict=False)]
    del left[: len(pairs)], right[: len(pairs)]
    return pairs


def _join(
    pairs: list[TrackPair],
    left: dict[str, list[int]],
    surplus_left: list[int],
    right: dict[str, list[int]],
    surplus_right: list[int],
) -> list[TrackPair]:
    """Put surplus tracks to the pairs of their name, which become one."""
    if not (surplus_left or surplus_right):
        return pairs
    name_left = {i: name for name, indices in left.items() for i in indices}
    name_right = {j: name for name, indices in right.items() for j in indices}
    names = {name_left[i] for i in surplus_left} | {name_right[j] for j in surplus_right}
    joined: dict[str, tuple[list[int], list[int]]] = {name: ([], []) for name in sorted(names)}
    kept = []
    for pair in pairs:
        name = name_left[pair.reference[0]]
        if name in joined and name == name_right[pair.estimate[0]]:
            joined[name][0].extend(pair.reference)
            joined[name][1].extend(pair.estimate)
        else:
            kept.append(pair)
    for i in surplus_left:
        joined[name_left[i]][0].append(i)
    for j in surplus_right:
        joined[name_right[j]][1].append(j)
    return kept + [TrackPair(tuple(sorted(a)), tuple(sorted(b))) for a, b in joined.values()]
