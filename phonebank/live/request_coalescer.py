"""Readings of single boards, made together where several are asked for at the same time."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from phonebank.core.db import db
from phonebank.live.board_payload import Figures, Together
from phonebank.live.board_query import read_figures
from phonebank.live.campaign_totals_cache import CampaignReadings
from phonebank.live.hourly_cache import HourReadings

# Boards read together at most: no statement grows with how many ask.
AT_ONCE = 100


@dataclass(frozen=True)
class Reading:
    """All that a board shows: its own figures, its campaign's sum, and its last hour's bars."""

    figures: Figures
    together: Together
    hour: Sequence[int]


# A party's id, and whoever waits for its reading.
Asked = tuple[int, "Future[Reading | None]"]


@dataclass
class SharedReadings:
    """After a restart a thousand boards ask at once, and planning the statement costs PostgreSQL
    ten times what reading one more board does.

    Whoever comes first reads at once. Those who come meanwhile are read together next, a hundred
    at a time, so that nobody is given figures from before they asked.
    """

    campaigns: CampaignReadings = field(default_factory=CampaignReadings)
    hours: HourReadings = field(default_factory=HourReadings)
    _waiting: list[Asked] = field(default_factory=list)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def of(self, party_id: int) -> Reading | None:
        """The party's figures as of now; None when there is no such party.

        Ends the transaction of whoever asks: were each to keep a connection while they wait for
        their turn, none would be left for the one who reads.
        """
        db.session.rollback()
        mine: Future[Reading | None] = Future()
        with self._guard:
            self._waiting.append((party_id, mine))
        with self._turn:
            while not mine.done():
                self._answer_next()
        return mine.result()

    def _answer_next(self) -> None:
        with self._guard:
            asked, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
        try:
            read = self._read({party_id for party_id, _ in asked})
        except Exception as error:
            for _, waiting in asked:
                waiting.set_exception(error)
        except BaseException:
            # Whoever reads is ended, and the others are not: the next of them reads.
            with self._guard:
                self._waiting = asked + self._waiting
            raise
        else:
            for party_id, waiting in asked:
                waiting.set_result(read.get(party_id))

    def _read(self, party_ids: set[int]) -> dict[int, Reading]:
        figures = read_figures(party_ids)
        together = self.campaigns.of({found.campaign_id for found in figures.values()})
        self.hours.refresh(figures)
        return {
            party_id: Reading(found, together[found.campaign_id], self.hours.of(party_id))
            for party_id, found in figures.items()
        }
