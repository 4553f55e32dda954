"""Combines requests for the data of boards. If several requests wait at the same time, one
statement reads the figures of up to a hundred of their boards."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from phonebank.core.db import db
from phonebank.live.board_payload import CampaignTotals, Figures
from phonebank.live.board_query import read_figures
from phonebank.live.campaign_totals_cache import CampaignTotalsCache
from phonebank.live.hourly_cache import HourlyCache

# The most boards in one statement, even if more requests wait.
AT_ONCE = 100


@dataclass(frozen=True)
class Reading:
    """The data that a board shows: the party's figures, the campaign's totals, and the numbers of
    the party's calls in each five minutes of the past hour."""

    figures: Figures
    campaign: CampaignTotals
    hour: Sequence[int]


# A party's id, and the future that gets its reading.
Asked = tuple[int, "Future[Reading | None]"]


@dataclass
class BoardCoalescer:
    """Reads the data of boards for the requests that ask for it. If several requests wait at the
    same time, one statement reads the figures of their boards.

    After a restart, a thousand boards may ask at the same time. For PostgreSQL, planning the
    statement is ten times as much work as reading one more board.

    The first request is served immediately. Requests that arrive in the meantime wait, and then
    their boards are read together, a hundred at a time. No request gets figures that were read
    before the request came. Only the campaign's totals and the calls in the last hour may have been
    read earlier.
    """

    campaigns: CampaignTotalsCache = field(default_factory=CampaignTotalsCache)
    hours: HourlyCache = field(default_factory=HourlyCache)
    _waiting: list[Asked] = field(default_factory=list)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def of(self, party_id: int) -> Reading | None:
        """Return the current data of the party's board, or None if there is no such party.

        This function rolls back the request's transaction, which frees the request's database
        connection. If every waiting request kept a connection, the request that reads the boards
        might not get one.
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
            # The greenlet that reads was killed. The other requests wait again, and one of them
            # reads next.
            with self._guard:
                self._waiting = asked + self._waiting
            raise
        else:
            for party_id, waiting in asked:
                waiting.set_result(read.get(party_id))

    def _read(self, party_ids: set[int]) -> dict[int, Reading]:
        figures = read_figures(party_ids)
        campaigns = self.campaigns.of({found.campaign_id for found in figures.values()})
        self.hours.refresh(figures)
        return {
            party_id: Reading(found, campaigns[found.campaign_id], self.hours.of(party_id))
            for party_id, found in figures.items()
        }
