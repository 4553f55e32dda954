"""Lay out a layered graph: nodes in rows, with few crossings and no overlaps.

The method is by Sugiyama, Tagawa and Toda (1981). The method first orders the nodes of each row by
the mean place of their neighbours. Then it moves each node as near to its neighbours as the order
and the widths allow. This module knows nothing about scripts.
"""

from bisect import bisect_right, insort
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

Key = TypeVar("Key", bound=Hashable)

GAP = 18.0  # px, the least distance between two nodes of a row
_ORDERING_SWEEPS = 8
_PLACING_SWEEPS = 30
# With more edges, no order is readable anyway, and two sweeps keep the layout fast.
_MANY_EDGES = 2000


@dataclass(frozen=True)
class Edge:
    """An edge between nodes of neighbouring rows. A larger `pull` aligns the two nodes more
    closely."""

    upper: Any
    lower: Any
    pull: float = 1.0


def order_rows(rows: Sequence[Sequence[Key]], edges: Sequence[Edge]) -> list[list[Key]]:
    """Return the rows with their nodes in the order that has the fewest crossings of edges. Only
    some orders are tried."""
    sweeps = _ORDERING_SWEEPS if len(edges) <= _MANY_EDGES else 2
    above, below = _neighbours(edges)
    current = [list(row) for row in rows]
    best, fewest = current, _crossings(current, below)
    for sweep in range(sweeps):
        downwards = sweep % 2 == 0
        neighbours = above if downwards else below
        current = [list(row) for row in current]
        order = range(1, len(current)) if downwards else range(len(current) - 2, -1, -1)
        for at in order:
            fixed = current[at - 1] if downwards else current[at + 1]
            place = {key: number for number, key in enumerate(fixed)}
            middle = {
                key: _mean(
                    [(place[other], pull) for other, pull in neighbours.get(key, ())], number
                )
                for number, key in enumerate(current[at])
            }
            current[at].sort(key=middle.__getitem__)
        crossings = _crossings(current, below)
        if crossings < fewest:
            best, fewest = current, crossings
    return best


def position_nodes(
    rows: Sequence[Sequence[Key]], edges: Sequence[Edge], widths: Mapping[Key, float]
) -> dict[Key, float]:
    """Return the middle of each node, in px from the left edge of the leftmost node.

    The nodes of each row must be in their final order.
    """
    above, below = _neighbours(edges)
    x: dict[Key, float] = {}
    for row in rows:
        x.update(_space_row(row, [0.0] * len(row), [1.0] * len(row), widths))
    sweeps = _PLACING_SWEEPS if len(edges) <= _MANY_EDGES else 2
    for sweep in range(sweeps):
        downwards = sweep % 2 == 0
        for row in rows if downwards else reversed(rows):
            # The later sweeps use the rows above and below together, so that neither end is skewed.
            last = sweep >= sweeps // 2
            neighbours = [
                (above.get(key, ()) if downwards or last else ())
                + (below.get(key, ()) if not downwards or last else ())
                for key in row
            ]
            wanted = [
                _mean([(x[other], pull) for other, pull in others], x[key])
                for key, others in zip(row, neighbours, strict=True)
            ]
            weights = [sum(pull for _, pull in others) or 0.01 for others in neighbours]
            x.update(_space_row(row, wanted, weights, widths))
    left = min((x[key] - widths[key] / 2 for key in x), default=0.0)
    return {key: at - left for key, at in x.items()}


def _space_row(
    row: Sequence[Key],
    wanted: Sequence[float],
    weights: Sequence[float],
    widths: Mapping[Key, float],
) -> dict[Key, float]:
    """Return positions that keep the nodes in order and at least GAP apart. Of all such positions,
    return those that are nearest to `wanted` by weighted least squares.

    The method is isotonic regression. First, the room that the nodes to the left need is subtracted
    from each wanted position. The differences must not decrease from left to right, so neighbours
    that are out of order are all set to their weighted mean. Then the room is added again.
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


# Node → ((neighbour, pull), …).
Neighbours = dict[Any, tuple[tuple[Any, float], ...]]


def _neighbours(edges: Sequence[Edge]) -> tuple[Neighbours, Neighbours]:
    """Return two mappings: from each node to its neighbours in the row above, and from each node to
    its neighbours in the row below."""
    above: dict[Any, list[tuple[Any, float]]] = {}
    below: dict[Any, list[tuple[Any, float]]] = {}
    for edge in edges:
        above.setdefault(edge.lower, []).append((edge.upper, edge.pull))
        below.setdefault(edge.upper, []).append((edge.lower, edge.pull))
    return (
        {key: tuple(others) for key, others in above.items()},
        {key: tuple(others) for key, others in below.items()},
    )


def _crossings(rows: Sequence[Sequence[Key]], below: Neighbours) -> int:
    """Return how many pairs of edges cross."""
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
