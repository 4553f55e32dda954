"""Where the things of a layered picture stand: in rows, few crossings, no overlaps.

The way of Sugiyama, Tagawa and Toda (1981), as drawing programs use it: order each row by the
middle of what its things are joined to, then give each thing the place nearest to its neighbours
that the order and the widths allow. Pure, and knows nothing of scripts.
"""

from bisect import bisect_right, insort
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

Key = TypeVar("Key", bound=Hashable)

GAP = 18.0  # px, the least between two things of a row
_ORDERING_SWEEPS = 8
_PLACING_SWEEPS = 30
# Beyond so many joins a picture is a thicket whatever is done; two sweeps keep it quick.
_MANY_JOINS = 2000


@dataclass(frozen=True)
class Edge:
    """Two things of neighbouring rows. `pull` says how much it counts that they be in line."""

    upper: Any
    lower: Any
    pull: float = 1.0


def order_rows(rows: Sequence[Sequence[Key]], joins: Sequence[Edge]) -> list[list[Key]]:
    """The rows, each in the order that makes joins cross least, of those that were tried."""
    sweeps = _ORDERING_SWEEPS if len(joins) <= _MANY_JOINS else 2
    above, below = _neighbours(joins)
    now = [list(row) for row in rows]
    best, fewest = now, _crossings(now, below)
    for sweep in range(sweeps):
        downwards = sweep % 2 == 0
        beside = above if downwards else below
        now = [list(row) for row in now]
        order = range(1, len(now)) if downwards else range(len(now) - 2, -1, -1)
        for at in order:
            fixed = now[at - 1] if downwards else now[at + 1]
            place = {key: number for number, key in enumerate(fixed)}
            middle = {
                key: _mean([(place[other], pull) for other, pull in beside.get(key, ())], number)
                for number, key in enumerate(now[at])
            }
            now[at].sort(key=middle.__getitem__)
        crossings = _crossings(now, below)
        if crossings < fewest:
            best, fewest = now, crossings
    return best


def position_nodes(
    rows: Sequence[Sequence[Key]], joins: Sequence[Edge], widths: Mapping[Key, float]
) -> dict[Key, float]:
    """The middle of each thing, in px from the left edge of the leftmost, for rows in order."""
    above, below = _neighbours(joins)
    x: dict[Key, float] = {}
    for row in rows:
        x.update(_apart(row, [0.0] * len(row), [1.0] * len(row), widths))
    sweeps = _PLACING_SWEEPS if len(joins) <= _MANY_JOINS else 2
    for sweep in range(sweeps):
        downwards = sweep % 2 == 0
        for row in rows if downwards else reversed(rows):
            # The later sweeps look both ways, so that neither end hangs askew.
            last = sweep >= sweeps // 2
            beside = [
                (above.get(key, ()) if downwards or last else ())
                + (below.get(key, ()) if not downwards or last else ())
                for key in row
            ]
            wanted = [
                _mean([(x[other], pull) for other, pull in others], x[key])
                for key, others in zip(row, beside, strict=True)
            ]
            weights = [sum(pull for _, pull in others) or 0.01 for others in beside]
            x.update(_apart(row, wanted, weights, widths))
    left = min((x[key] - widths[key] / 2 for key in x), default=0.0)
    return {key: at - left for key, at in x.items()}


def _apart(
    row: Sequence[Key],
    wanted: Sequence[float],
    weights: Sequence[float],
    widths: Mapping[Key, float],
) -> dict[Key, float]:
    """Places nearest to those wanted, by least squares, that keep order and distance.

    Less the room that everything to the left takes up, places may only rise: isotonic regression,
    by pooling neighbours that are out of order.
    """
    taken: list[float] = []
    room = 0.0
    for number, key in enumerate(row):
        if number:
            room += (widths[row[number - 1]] + widths[key]) / 2 + GAP
        taken.append(room)
    pools: list[tuple[float, float, int]] = []  # (mean, weight, how many)
    for number, weight in enumerate(weights):
        mean, count = wanted[number] - taken[number], 1
        while pools and pools[-1][0] > mean:
            other, heavy, many = pools.pop()
            mean = (other * heavy + mean * weight) / (heavy + weight)
            weight, count = heavy + weight, many + count
        pools.append((mean, weight, count))
    means = [mean for mean, _, count in pools for _ in range(count)]
    return {key: means[number] + taken[number] for number, key in enumerate(row)}


# Of each thing: (what it is joined to, with which pull).
Neighbours = dict[Any, tuple[tuple[Any, float], ...]]


def _neighbours(joins: Sequence[Edge]) -> tuple[Neighbours, Neighbours]:
    """What each thing is joined to above and below it, with the pull."""
    above: dict[Any, list[tuple[Any, float]]] = {}
    below: dict[Any, list[tuple[Any, float]]] = {}
    for join in joins:
        above.setdefault(join.lower, []).append((join.upper, join.pull))
        below.setdefault(join.upper, []).append((join.lower, join.pull))
    return (
        {key: tuple(others) for key, others in above.items()},
        {key: tuple(others) for key, others in below.items()},
    )


def _crossings(rows: Sequence[Sequence[Key]], below: Neighbours) -> int:
    """How many pairs of joins cross."""
    crossings = 0
    for upper, lower in pairwise(rows):
        place = {key: number for number, key in enumerate(lower)}
        seen: list[int] = []
        for key in upper:
            ends = [place[other] for other, _ in below.get(key, ())]
            crossings += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return crossings


def _mean(values: Sequence[tuple[float, float]], otherwise: float) -> float:
    weight = sum(pull for _, pull in values)
    return sum(value * pull for value, pull in values) / weight if weight else otherwise
