"""Readings of single boards, made together where several are asked for at the same time."""

import threading
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field

from phonebank.live.board import Figures
from phonebank.live.board_reading import read_figures
from phonebank.stores import db

# A party's id, and whoever waits for its figures.
Asked = tuple[int, "Future[Figures | None]"]


@dataclass
class SharedReadings:
    """After a restart a thousand boards ask at once, and planning the statement costs PostgreSQL
    ten times what reading one more board does.

    Whoever comes first reads at once. Those who come meanwhile are read together next, so that
    nobody is given figures from before they asked.
    """

    _waiting: list[Asked] = field(default_factory=list)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def of(self, party_id: int) -> Figures | None:
        """The party's figures as of now; None when there is no such party.

        Ends the transaction of whoever asks: were each to keep a connection while they wait for
        their turn, none would be left for the one who reads.
        """
        db.session.rollback()
        mine: Future[Figures | None] = Future()
        with self._guard:
            self._waiting.append((party_id, mine))
        with self._turn:
            if not mine.done():
                with self._guard:
                    asked, self._waiting = self._waiting, []
                _answer(asked)
        return mine.result()


def _answer(asked: Iterable[Asked]) -> None:
    try:
        figures = read_figures({party_id for party_id, _ in asked})
    except Exception as error:
        for _, waiting in asked:
            waiting.set_exception(error)
        return
    for party_id, waiting in asked:
        waiting.set_result(figures.get(party_id))
