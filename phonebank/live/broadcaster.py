"""Sends each board what it should show, for the boards connected to this process and no others.

One pump a web process is right, and not one too many: it serves only its own clients, and what it
sends never leaves the process. Its work is set by how many boards are connected, not by how many
calls are recorded.

Every half second it asks Redis, in one command, which of its boards changed, and reads those, in
one statement. With them it reads each board that was not read for four seconds, whatever Redis
says, so that a lost signal, a killed process or an emptied Redis shows for less than five.
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
from phonebank.live.board_payload import Figures, Together, payload
from phonebank.live.board_query import may_run, read_figures
from phonebank.live.campaign_totals_cache import CampaignReadings
from phonebank.live.hourly_cache import HourReadings

log = logging.getLogger(__name__)

NAMESPACE = "/board"
EVENT = "board"
# The board's link has ended; the page should say so.
GONE = "gone"

# Seconds.
ROUND = 0.5
# Between two rounds, however long they take: the process serves pages too.
LEAST_REST = 0.05
EACH_BOARD_EVERY = 4.0
EACH_BOARD_EVERY_WITHOUT_REDIS = 2.0
HOSTS_EVERY = 4.0


def room_of(party_id: int) -> str:
    """The room of everyone who watches a party."""
    return f"party:{party_id}"


def _somewhen_before(at: float) -> float:
    """When to take a board as read that is, at `at`, for another reason than its turn: met, or
    changed. What many boards come to at once, by a restart, a pause of the campaign or an emptied
    Redis, would else have them all read in the same round ever after."""
    return at - random.uniform(0, EACH_BOARD_EVERY)  # noqa: S311


@dataclass(frozen=True)
class Watcher:
    """A connected board: a television, let in by its link's `token`, or a host, by their sign-in to
    the account `account_id` in the browser's session `session_id`."""

    party_id: int
    token: str | None = None
    account_id: int | None = None
    session_id: int | None = None


@dataclass
class Pump:
    """The boards connected to this process, and the background task that feeds them.

    The task starts with the first board and ends with the last.
    """

    app: Flask
    socketio: SocketIO
    campaigns: CampaignReadings = field(default_factory=CampaignReadings)
    hours: HourReadings = field(default_factory=HourReadings)
    _watchers: dict[str, Watcher] = field(default_factory=dict)
    _running: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    # What was last seen, and when, by party.
    _marks: dict[int, str | None] = field(default_factory=lambda: defaultdict(lambda: None))
    _read_at: dict[int, float] = field(default_factory=dict)
    _hosts_due_at: float = 0.0
    _store_away: bool = False

    def add(self, sid: str, watcher: Watcher) -> None:
        """Feed the board with this socket id from now on."""
        with self._lock:
            self._watchers[sid] = watcher
            if self._running:
                return
            self._running = True
        self.socketio.start_background_task(self._run)

    def remove(self, sid: str) -> None:
        """The board with this socket id has gone. Harmless when it never was here."""
        self._watchers.pop(sid, None)

    def watcher(self, sid: str) -> Watcher | None:
        """The board with this socket id, or None when it was not let in."""
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
                # The boards keep their figures, and the next round tries again.
                if not self._store_away:
                    log.exception("boards are not fed: %s", type(error).__name__)
                self._store_away = True
            self.socketio.sleep(max(LEAST_REST, ROUND - (time.monotonic() - began)))

    def _round(self) -> None:
        """Read and send what changed, and what was not sent for some seconds, which mends whatever
        went wrong on the way to a page."""
        watching: dict[int, list[tuple[str, Watcher]]] = defaultdict(list)
        for sid, watcher in list(self._watchers.items()):
            watching[watcher.party_id].append((sid, watcher))
        at = time.monotonic()
        self._meet(watching.keys(), at)
        # Marks before figures: a change that comes in between is seen by the next round.
        marks, every = self._marks_of(sorted(watching))
        changed = {party for party, mark in marks.items() if mark != self._marks[party]}
        wanted = changed | {party for party in watching if at - self._read_at[party] >= every}
        if at >= self._hosts_due_at:
            self._let_hosts_go()
            self._hosts_due_at = at + HOSTS_EVERY
        if not wanted:
            return
        figures = read_figures(wanted)
        together = self.campaigns.of({found.campaign_id for found in figures.values()})
        self.hours.refresh(wanted)
        for party_id in wanted:
            self._send(party_id, watching[party_id], figures.get(party_id), together)
            # Only now: a board that was not reached is still to be sent in the next round.
            self._read_at[party_id] = _somewhen_before(at) if party_id in changed else at
            if party_id in marks:
                self._marks[party_id] = marks[party_id]

    def _meet(self, parties: AbstractSet[int], at: float) -> None:
        """Keep notes of these parties and no others. A newcomer asks for its board itself."""
        for party_id in parties - self._read_at.keys():
            self._read_at[party_id] = _somewhen_before(at)
        for party_id in self._read_at.keys() - parties:
            del self._read_at[party_id]
            self._marks.pop(party_id, None)

    def _marks_of(self, parties: list[int]) -> tuple[dict[int, str | None], float]:
        """The marks by party, none when Redis cannot tell; and for how long a board may be left."""
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
        together: dict[int, Together],
    ) -> None:
        """Send the party's figures to its room, and hang up on televisions whose link has been
        replaced, and on everyone if the party is gone."""
        for sid, watcher in watching:
            if figures is None or watcher.token not in (None, figures.board_token):
                self._hang_up(sid)
        if figures is None:
            return
        self.socketio.emit(
            EVENT,
            payload(figures, together[figures.campaign_id], self.hours.of(party_id)),
            namespace=NAMESPACE,
            to=room_of(party_id),
            ignore_queue=True,
        )

    def _let_hosts_go(self) -> None:
        """Cut off hosts whose party it no longer is: signed out, co-hosts removed, deactivated."""
        hosts = {
            sid: (watcher.party_id, watcher.account_id, watcher.session_id or 0)
            for sid, watcher in list(self._watchers.items())
            if watcher.account_id is not None
        }
        if not hosts:
            return
        may = may_run(set(hosts.values()))
        for sid, host in hosts.items():
            if host not in may:
                self._hang_up(sid)

    def _hang_up(self, sid: str) -> None:
        self.remove(sid)
        self.socketio.emit(GONE, {}, namespace=NAMESPACE, to=sid, ignore_queue=True)
        self.socketio.server.disconnect(sid, namespace=NAMESPACE, ignore_queue=True)
