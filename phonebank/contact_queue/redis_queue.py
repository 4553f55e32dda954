"""The data that Redis stores for one campaign's queue, and every command that changes this data.

All of this data is a copy. PostgreSQL decides which holds exist (`call.ended_at`) and when they
expire (`call.expires_at`).

All keys of a campaign have the same hash tag, so that a Redis Cluster stores them on one node:

- `built`      the run id that the Redis server had when the queue was built. The key is missing if
               the queue was never built, or if Redis was emptied. After a restart, the key has the
               id of an earlier run
- `lanes`      set of the lanes' names. A name is "lists:language" or, for the filter with the id 7,
               "filter7:language". If the caller is also limited to list 3, the name is
               "filter7,filter7list3:language"
- `lanes:…`    a lane: a sorted set of contact ids in the order in which they are called, enough for
               a minute or two. Callers who are limited neither to some lists nor to a filter share
               one lane for each language. Callers who have the same limits share other lanes, one
               for each language
- `callbacks`  sorted set of contact ids, one for each callback that is due soon, by the due time
- `details`    hash with one field for each callback: the field's name is the contact id, and its
               value is "list id:language:id of the caller who promised". The last part is empty
               if no caller is stored for the callback
- `held`       sorted set of contact ids, by the time when the hold expires
- `holders`    hash that gives, for each contact id, the id of the call that holds the contact
- `lock:…`     a lock for some seconds, so that only one process at a time refills or rebuilds

Times are seconds since 1970, with fractions.
"""

import secrets
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, cast

from redis import Redis
from redis.commands.core import Script

from phonebank.core.redis import redis_store

# In the first ten minutes after its time, only the caller who promised a callback gets it.
CALLBACK_RESERVED_SECONDS = 600

# A lock expires after this time. A refill or a rebuild is faster, and if a process is killed while
# it has the lock, callers do not wait long.
LOCK_SECONDS = 10


@dataclass(frozen=True)
class QueueEntry:
    """A contact to add to a lane (a list of the next contacts) or to the callbacks. In a lane,
    `score` decides the contact's position (see `lane_score`). For a callback, `score` is the time
    when the callback is due, in seconds since 1970. `promised_by` is the id of the caller who
    promised the callback, or None."""

    contact_id: int
    score: float
    list_id: int
    language: str
    promised_by: int | None = None


@dataclass(frozen=True)
class TakeResult:
    """The result of `RedisQueue.take`. `contact_id` is None if there was no contact, and then
    `left` and `held` are 0. Otherwise, `left` is the number of contacts that remain in the caller's
    lanes (lists of the next contacts). `held` is the number of held contacts in the whole campaign.
    `lost` says whether Redis has lost the queue."""

    contact_id: int | None
    left: int = 0
    held: int = 0
    lost: bool = False


@dataclass(frozen=True)
class HeldContact:
    """A contact that a call holds, the id of that call, and when the hold expires (aware UTC).
    `call_id` is None if Redis no longer has the id of the call."""

    contact_id: int
    call_id: uuid.UUID | None
    until: datetime


def redis_queue_of(campaign_id: int) -> "RedisQueue":
    """Return the campaign's queue in Redis."""
    return RedisQueue(redis_store(), campaign_id)


class RedisQueue:
    """The queue of one campaign in Redis. Its methods raise RedisError while Redis is
    unavailable."""

    def __init__(self, redis: Redis, campaign_id: int) -> None:
        self._redis = redis
        prefix = f"queue:{{{campaign_id}}}"
        self._built = f"{prefix}:built"
        self._lanes = f"{prefix}:lanes"
        self._callbacks = f"{prefix}:callbacks"
        self._details = f"{prefix}:details"
        self._held = f"{prefix}:held"
        self._holders = f"{prefix}:holders"
        self._lock = f"{prefix}:lock"

    def take(
        self,
        now: datetime,
        hold_until: datetime,
        caller_id: int,
        call_id: uuid.UUID,
        list_ids: Iterable[int | str] = (),
        languages: Iterable[str] = ("",),
    ) -> TakeResult:
        """Move one contact from a lane (a list of the next contacts) or from the callbacks into
        `held`, in a single step.

        The hold belongs to `call_id`, a call that PostgreSQL does not have yet, and expires at
        `hold_until` (aware). Callbacks that are due and that this caller promised come first, then
        other callbacks that are due, and then the lanes. A callback that another caller promised is
        due for this caller only CALLBACK_RESERVED_SECONDS after the promised time.

        The contact is on one of the lists in `list_ids` and has one of the languages in
        `languages`. A callback that this caller promised may be on any list and have any language.
        An empty `list_ids` means every list. In `languages`, "" stands for contacts whose language
        is not known. For a caller with a filter, `list_ids` is the result of `lane_limits`.
        """
        answer = _script(self._redis, "take")(
            keys=[
                self._built,
                self._held,
                self._holders,
                self._lanes,
                self._callbacks,
                self._details,
            ],
            args=[
                now.timestamp(),
                hold_until.timestamp(),
                caller_id,
                str(call_id),
                CALLBACK_RESERVED_SECONDS,
                _joined(list_ids),
                ",".join(languages),
            ],
            client=self._redis,
        )
        match answer:
            case ["lost"]:
                return TakeResult(None, lost=True)
            case ["empty"]:
                return TakeResult(None)
            case ["taken", contact_id, left, held]:
                return TakeResult(int(contact_id), int(left), int(held))
        raise RuntimeError(f"take.lua answered {answer!r}")

    def add(self, entries: Iterable[QueueEntry], list_ids: Iterable[int | str] = ()) -> int:
        """Add contacts to the lanes (sorted lists) of their languages, except contacts that a call
        holds. Return how many of the added contacts were not in their lane before.

        With `list_ids`, the contacts are added to the lanes of callers who are limited to exactly
        these lists. For callers with a filter, `list_ids` is the result of `lane_limits`.
        """
        by_name: dict[str, list[QueueEntry]] = {}
        for entry in entries:
            name = f"{_joined(list_ids)}:{entry.language}"
            by_name.setdefault(name, []).append(entry)
        if by_name:
            self._redis.sadd(self._lanes, *by_name)
        return sum(self._add_to(f"{self._lanes}:{name}", some) for name, some in by_name.items())

    def add_callbacks(self, entries: list[QueueEntry]) -> int:
        """Add these contacts to the callbacks, except contacts that a call holds. Return how many
        of the added contacts were not among the callbacks before."""
        if not entries:
            return 0
        details: dict[Any, Any] = {
            str(entry.contact_id): f"{entry.list_id}:{entry.language}:{entry.promised_by or ''}"
            for entry in entries
        }
        self._redis.hset(self._details, mapping=details)
        return self._add_to(self._callbacks, entries)

    def _add_to(self, key: str, entries: list[QueueEntry]) -> int:
        args = [value for entry in entries for value in (str(entry.contact_id), entry.score)]
        return int(
            _script(self._redis, "add")(keys=[key, self._held], args=args, client=self._redis)
        )

    def copy_holds(self, *holds: HeldContact) -> None:
        """Copy these holds from PostgreSQL to Redis. The copies replace the holds that Redis has
        for the same contacts."""
        if holds:
            self._copy(self._redis, holds)

    def replace_holds(self, holds: Iterable[HeldContact]) -> None:
        """Copy these holds, which are all the campaign's holds in PostgreSQL, and remove all other
        holds of the campaign from Redis."""
        with self._redis.pipeline() as at_once:
            at_once.delete(self._held, self._holders)
            self._copy(at_once, holds)
            at_once.execute()

    def _copy(self, client: Redis, holds: Iterable[HeldContact]) -> None:
        args = [
            value
            for held in holds
            for value in (held.contact_id, held.until.timestamp(), str(held.call_id))
        ]
        self._run(client, "hold", *args)

    def release(self, contact_id: int, call_id: uuid.UUID | None) -> None:
        """Free a contact if its call has ended, was switched to another contact, or was never
        written.

        If another call holds the contact, nothing changes. If Redis no longer knows which call
        holds the contact, the contact is freed.
        """
        self._run(self._redis, "release", contact_id, str(call_id or ""))

    def _run(self, client: Redis, script: str, *args: Any) -> None:
        # This sends the text of the Lua script, not only its hash. The command may be one of
        # several in a message (see `core.redis`), and then redis-py cannot send the text later.
        client.eval(_source(script), 2, self._held, self._holders, *args)

    def holds(self) -> list[HeldContact]:
        """Return every hold of the campaign that is in Redis."""
        with self._redis.pipeline() as at_once:
            at_once.zrange(self._held, 0, -1, withscores=True)
            at_once.hgetall(self._holders)
            held, holders = at_once.execute()
        return [
            HeldContact(
                int(key),
                uuid.UUID(holders[key]) if key in holders else None,
                datetime.fromtimestamp(until, UTC),
            )
            for key, until in held
        ]

    def held_until(self) -> dict[int, datetime]:
        """Return when the hold of each held contact expires, by contact id."""
        return {held.contact_id: held.until for held in self.holds()}

    def lane(self, language: str = "", list_ids: Iterable[int | str] = ()) -> list[int]:
        """Return the contact ids in one lane (a list of the next contacts), in order."""
        name = f"{_joined(list_ids)}:{language}"
        found = cast(list[str], self._redis.zrange(f"{self._lanes}:{name}", 0, -1))
        return [int(contact_id) for contact_id in found]

    def first_contacts(self, at_most: int) -> set[int]:
        """Return the ids of the first contacts in each lane (a list of the next contacts) and in
        the callbacks, at most `at_most` from each."""
        names = cast(set[str], self._redis.smembers(self._lanes))
        keys = [self._callbacks, *(f"{self._lanes}:{name}" for name in names)]
        lanes = [cast(list[str], self._redis.zrange(key, 0, at_most - 1)) for key in keys]
        return {int(contact_id) for lane in lanes for contact_id in lane}

    def held_count(self) -> int:
        """Return how many of the campaign's contacts are reserved by a hold in Redis."""
        return self._redis.zcard(self._held)

    def run_id(self) -> str:
        """Return the id of this run of Redis. Redis gets a new id each time it starts."""
        return str(self._redis.info("server")["run_id"])

    def is_built(self) -> bool:
        """Whether the queue counts as complete. After Redis has been emptied, replaced or
        restarted, the queue counts as incomplete until `mark_built` is called.

        After a restart, Redis reads its data from a file, which may be older than the data that
        Redis had before.
        """
        return self._redis.get(self._built) == self.run_id()

    def mark_built(self, run_id: str = "") -> None:
        """Record that the queue was built in the Redis run with this id ("" means the current run).
        From then on, until Redis is emptied or starts again, `take` can find contacts."""
        self._redis.set(self._built, run_id or self.run_id())

    def clear_lanes(self) -> None:
        """Empty the lanes (the lists of the next contacts) and the callbacks. The holds are
        kept."""
        _script(self._redis, "clear")(
            keys=[self._lanes, self._callbacks, self._details], client=self._redis
        )

    def clear(self) -> None:
        """Delete the campaign's queue from Redis. The next claim, or the next periodic job of the
        queue, rebuilds the queue from PostgreSQL."""
        self.clear_lanes()
        self._redis.delete(self._built, self._held, self._holders)

    @contextmanager
    def lock(self, what: str) -> Iterator[bool]:
        """Try to take the lock with this name, without waiting. Yield whether this process has the
        lock.

        A process removes only its own lock. If the lock has expired and another process has taken
        it, the other process keeps it.
        """
        key, token = f"{self._lock}:{what}", secrets.token_hex(8)
        got = bool(self._redis.set(key, token, nx=True, ex=LOCK_SECONDS))
        try:
            yield got
        finally:
            if got:
                end_lock(self._redis, key, token)


def end_lock(client: Redis, key: str, token: str, after_ms: int = 0) -> None:
    """Let a lock expire after `after_ms` milliseconds (0 means at once). If the lock no longer has
    this token, it belongs to another process, and nothing changes."""
    client.eval(_source("end_lock"), 1, key, token, after_ms)


def _joined(list_ids: Iterable[int | str]) -> str:
    return ",".join(sorted(map(str, list_ids)))


@cache
def _source(name: str) -> str:
    return (Path(__file__).parent / "lua" / f"{name}.lua").read_text()


@cache
def _script(redis: Redis, name: str) -> Script:
    # The script object sends only the hash of the script (EVALSHA). If Redis does not know the
    # script, Redis answers NOSCRIPT, and the script object sends the text.
    return redis.register_script(_source(name))
