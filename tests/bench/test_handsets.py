"""What a television of a measurement shows."""

import asyncio
import json
from types import SimpleNamespace
from typing import cast

from bench.handsets import Crowd, Television


def event(version: int, calls: int) -> bytes:
    return b"42/board," + json.dumps(["board", {"version": version, "calls": calls}]).encode()


def test_a_television_shows_the_newest_figures_and_no_older_ones() -> None:
    loop = asyncio.new_event_loop()
    television = Television(cast(Crowd, SimpleNamespace(port=0, loop=loop)), 3, "token")
    shown = []
    for version, calls in ((4, 18), (6, 19), (5, 17), (7, 18)):
        television.heard(event(version, calls), at=0.0)
        shown.append(television.calls)
    loop.close()
    assert shown == [18, 19, 19, 18], "an outcome was undone last"
