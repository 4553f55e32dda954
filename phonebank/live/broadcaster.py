"""Sends each connected board the data that it should show. A board shows the figures of one party.
Each web process has a broadcaster, which serves the boards connected to that process.

A broadcaster's work grows with the number of its connected boards. However many calls are recorded,
the broadcaster reads each board at most twice a second.

Every half second, the broadcaster asks Redis in one command which of its boards are marked as
changed (see `change_marks`). The broadcaster then reads the figures of these boards from PostgreSQL
in one statement. The same statement also reads each board that was last read four seconds ago or
earlier, even if the board is not marked. So a board is normally less than five seconds late even if
a mark is missing. For example, Redis may lose a mark, or a process may be killed before it has sent
one.
"""

import logging
import random
import threading
import time
from collections import defaultdict
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from flask import Flask
from flask_socketio import SocketIO
from redis.exceptions import RedisError

from phonebank.live import change_marks
from phonebank.live.board_payload import CampaignTotals, Figures, payload
from phonebank.live.board_query import hosts_still_allowed, read_figures
from phonebank.live.campaign_totals_cache import CampaignTotalsCache
from phonebank.live.hourly_cache import HourlyCache

log = logging.getLogger(__name__)

NAMESPACE = "/board"
EVENT = "board"
# The event for a board whose link no longer works. The page then loads again, and says that the
# link no longer works.
GONE = "gone"

# These values are in seconds.
ROUND = 0.5
# The shortest pause after a round, even after a long round, because the process also serves pages.
LEAST_REST = 0.05
EACH_BOARD_EVERY = 4.0
EACH_BOARD_EVERY_WITHOUT_REDIS = 2.0
HOSTS_EVERY = 4.0


def room_of(party_id: int) -> str:
    """Return the name of the Socket.IO room for everyone who watches a party's board."""
    return f"party:{party_id}"


def _jittered(at: float) -> float:
    """Return a random time that is at most EACH_BOARD_EVERY seconds before `at`.

    Many boards may connect or change at the same moment, for example after a restart, after a
    paused campaign resumes, or after Redis is emptied. Without these random times, all these boards
    would be read in the same round from then on.
    """
    return at - random.uniform(0, EACH_BOARD_EVERY)  # noqa: S311


@dataclass(frozen=True)
class Watcher:
    """A connected board, on a television or on a host's page. For a television, `token` is the
    token in its link. For a host, `account_id` is the id of the host's account, and `session_id` is
    the id of the session in which the host is signed in."""

    party_id: int
    token: str | None = None
    account_id: int | None = None
    session_id: int | None = None


@dataclass
class Broadcaster:
    """The boards connected to this process, and the background task that sends them their data.

    The task starts when the first board connects, and ends after the last board has disconnected.
    """

    app: Flask
    socketio: SocketIO
    campaigns: CampaignTotalsCache = field(default_factory=CampaignTotalsCache)
    hours: HourlyCache = field(default_factory=HourlyCache)
    _watchers: dict[str, Watcher] = field(default_factory=dict)
    _running: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    # For each party: the mark that was last seen, and when the board was last read.
    _marks: dict[int, str | None] = field(default_factory=lambda: defaultdict(lambda: None))
    _read_at: dict[int, float] = field(default_factory=dict)
    _hosts_due_at: float = 0.0
    _store_away: bool = False

    def add(self, sid: str, watcher: Watcher) -> None:
        """Send events to the board with this socket id from now on."""
        with self._lock:
            self._watchers[sid] = watcher
            if self._running:
                return
            self._running = True
        self.socketio.start_background_task(self._run)

    def remove(self, sid: str) -> None:
        """Forget the board with this socket id. If no such board is connected to this process,
        nothing changes."""
        self._watchers.pop(sid, None)

    def watcher(self, sid: str) -> Watcher | None:
        """Return the watcher (connected board) with this socket id, or None if this process has no
        such watcher."""
        return self._watchers.get(sid)

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._watchers:
                    self._running = False
                    self._marks.clear()
                    self._read_at.clear()
                    return
            began = time.monotonic()
            try:
                with self.app.app_context():
                    self._round()
                self._store_away = False
            except Exception as error:
                # The boards keep what they show, and the next round tries again.
                if not self._store_away:
                    log.exception("boards get no updates: %s", type(error).__name__)
                self._store_away = True
            self.socketio.sleep(max(LEAST_REST, ROUND - (time.monotonic() - began)))

    def _round(self) -> None:
        """Read and send the data of each board that has changed. Also read and send the data of
        each board that was last read four seconds ago or earlier (two seconds while Redis is
        unavailable). Every HOSTS_EVERY seconds, also disconnect hosts who may no longer see their
        boards.

        The data of an unchanged board is sent again, in case an earlier event was lost on the way
        to a page.
        """
        watching: dict[int, list[tuple[str, Watcher]]] = defaultdict(list)
        for sid, watcher in list(self._watchers.items()):
            watching[watcher.party_id].append((sid, watcher))
        at = time.monotonic()
        self._track(watching.keys(), at)
        # Marks are read before figures, so the next round sees a change that comes in between.
        marks, every = self._marks_of(sorted(watching))
        changed = {party for party, mark in marks.items() if mark != self._marks[party]}
        wanted = changed | {party for party in watching if at - self._read_at[party] >= every}
        if at >= self._hosts_due_at:
            self._disconnect_revoked_hosts()
            self._hosts_due_at = at + HOSTS_EVERY
        if not wanted:
            return
        figures = read_figures(wanted)
        together = self.campaigns.of({found.campaign_id for found in figures.values()})
        self.hours.refresh(wanted)
        for party_id in wanted:
            self._send(party_id, watching[party_id], figures.get(party_id), together)
            # This comes after sending. If this round fails before it has reached a board, the next
            # round still reads that board.
            self._read_at[party_id] = _jittered(at) if party_id in changed else at
            if party_id in marks:
                self._marks[party_id] = marks[party_id]

    def _track(self, parties: AbstractSet[int], at: float) -> None:
        """`parties` are the parties whose boards are connected to this process now. Forget the
        marks and read times of all other parties. Give each new party a random recent read time, as
        if its board had been read then, because a newly connected board asks for its first data
        itself."""
        for party_id in parties - self._read_at.keys():
            self._read_at[party_id] = _jittered(at)
        for party_id in self._read_at.keys() - parties:
            del self._read_at[party_id]
            self._marks.pop(party_id, None)

    def _marks_of(self, parties: list[int]) -> tuple[dict[int, str | None], float]:
        """Return the mark of each party, by party id, and a number of seconds. A board that was
        last read that many seconds ago or earlier is read again even if its mark has not changed.
        While Redis is unavailable, no marks are returned."""
        try:
            marks = change_marks.marks_of(parties)
        except RedisError:
            return {}, EACH_BOARD_EVERY_WITHOUT_REDIS
        return dict(zip(parties, marks, strict=True)), EACH_BOARD_EVERY

    def _send(
        self,
        party_id: int,
        watching: list[tuple[str, Watcher]],
        figures: Figures | None,
        together: dict[int, CampaignTotals],
    ) -> None:
        """Send a party's figures to everyone who watches the party through this process.

        Disconnect televisions whose link has been replaced. If the party no longer exists,
        disconnect everyone who watches it.
        """
        for sid, watcher in watching:
            if figures is None or watcher.token not in (None, figures.board_token):
                self._disconnect(sid)
        if figures is None:
            return
        self.socketio.emit(
            EVENT,
            payload(figures, together[figures.campaign_id], self.hours.of(party_id)),
            namespace=NAMESPACE,
            to=room_of(party_id),
            ignore_queue=True,
        )

    def _disconnect_revoked_hosts(self) -> None:
        """Disconnect the boards of hosts who may no longer see them. Examples are a host who has
        signed out, and a co-host who has been removed."""
        hosts = {
            sid: (watcher.party_id, watcher.account_id, watcher.session_id or 0)
            for sid, watcher in list(self._watchers.items())
            if watcher.account_id is not None
        }
        if not hosts:
            return
        allowed = hosts_still_allowed(set(hosts.values()))
        for sid, host in hosts.items():
            if host not in allowed:
                self._disconnect(sid)

    def _disconnect(self, sid: str) -> None:
        self.remove(sid)
        self.socketio.emit(GONE, {}, namespace=NAMESPACE, to=sid, ignore_queue=True)
        self.socketio.server.disconnect(sid, namespace=NAMESPACE, ignore_queue=True)
