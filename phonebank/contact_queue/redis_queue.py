"""What Redis holds for one campaign, and every command that changes it.

All of it is a copy. PostgreSQL has the truth about holds (`call.expires_at`).

Keys, all with one hash tag so that a Redis Cluster keeps a campaign on one node:

- `built`      the run id of the Redis in which the queue was built. An emptied Redis has no such
               key. After a restart or a replacement the key has the id of an earlier run
- `lanes`      set of the names of the lanes, "lists:language"
- `lanes:…`    a lane: sorted set of contact ids in the order of the queue, a few minutes' worth.
               Each language has one, and again for each set of lists that a caller is limited to
- `callbacks`  sorted set of the contact ids of callbacks due soon, by the time when they are due
- `details`    hash, contact id → "list:language:caller who promised", for the callbacks
- `held`       sorted set of contact ids by the time when their hold expires
- `holders`    hash, contact id → id of the call that holds the contact: only that call frees it
- `lock:…`     short-lived, so that one process refills or rebuilds at a time

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

# For this long after its time, a callback is reserved for the caller who promised it.
CALLBACK_RESERVED_SECONDS = 600

# This is longer than a refill or rebuild takes, and short enough that a killed process does not
# delay callers for long.
LOCK_SECONDS = 10


@dataclass(frozen=True)
class QueueEntry:
    """A contact to put into a lane, or among the callbacks. `score` is its position in the lane, or
    the time when the callback is due. `promised_by` is the id of the caller who promised the
    callback."""

    contact_id: int
    score: float
    list_id: int
    language: str
    promised_by: int | None = None


@dataclass(frozen=True)
class TakeResult:
    """The result of `take`: a contact id, or None. `left` is the number of contacts that remain in
    the lanes from which this caller may take, and `held` how many are on all screens. `lost` says
    that Redis has lost the queue."""

    contact_id: int | None
    left: int = 0
    held: int = 0
    lost: bool = False


@dataclass(frozen=True)
class HeldContact:
    """A contact on a caller's screen, the call that holds it, and when the hold expires (aware
    UTC). `call_id` is None if Redis has lost it."""

    contact_id: int
    call_id: uuid.UUID | None
    until: datetime


def redis_queue_of(campaign_id: int) -> "RedisQueue":
    """Return the campaign's queue in Redis."""
    return RedisQueue(redis_store(), campaign_id)


class RedisQueue:
    """The queue of one campaign in Redis. Its methods raise RedisError while Redis is away."""

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
        list_ids: Iterable[int] = (),
        languages: Iterable[str] = ("",),
    ) -> TakeResult:
        """Move one contact from a lane into `held`, in one step, for this caller and a call that is
        not written yet. It takes only contacts of these lists (no lists mean every list) and of
        these languages; "" means contacts without a known language."""
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

    def add(self, entries: Iterable[QueueEntry], list_ids: Iterable[int] = ()) -> int:
        """Put contacts into the lanes of their languages, unless a call holds them. Return how many
        were not there yet. With `list_ids`, the lanes are those of callers who are limited to
        exactly these lists.
        """
        by_name: dict[str, list[QueueEntry]] = {}
        for entry in entries:
            name = f"{_joined(list_ids)}:{entry.language}"
            by_name.setdefault(name, []).append(entry)
        if by_name:
            self._redis.sadd(self._lanes, *by_name)
        return sum(self._add_to(f"{self._lanes}:{name}", some) for name, some in by_name.items())

    def add_callbacks(self, entries: list[QueueEntry]) -> int:
        """Add callbacks to the callbacks that are due soon. Return how many were not there yet."""
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
        """Copy holds from PostgreSQL. They replace whatever Redis knew about these contacts."""
        if holds:
            self._copy(self._redis, holds)

    def replace_holds(self, holds: Iterable[HeldContact]) -> None:
        """Copy every hold from PostgreSQL, and remove all other holds from Redis."""
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
        """Free a contact whose call was recorded, released, or never written.

        If another call holds the contact, nothing changes. If Redis has lost which call holds the
        contact, the contact is freed.
        """
        self._run(self._redis, "release", contact_id, str(call_id or ""))

    def _run(self, client: Redis, script: str, *args: Any) -> None:
        # The text of the script goes with it, and not only its hash, because it may be one of
        # several commands in a message (see `core.redis`), where Redis cannot ask for the text.
        client.eval(_source(script), 2, self._held, self._holders, *args)

    def holds(self) -> list[HeldContact]:
        """Return Redis' copy of every hold."""
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

    def lane(self, language: str = "", list_ids: Iterable[int] = ()) -> list[int]:
        """Return the contact ids in one lane, in order."""
        name = f"{_joined(list_ids)}:{language}"
        found = cast(list[str], self._redis.zrange(f"{self._lanes}:{name}", 0, -1))
        return [int(contact_id) for contact_id in found]

    def first_contacts(self, at_most: int) -> set[int]:
        """Return the ids of the first contacts of each lane and of the callbacks, `at_most` of
        each."""
        names = cast(set[str], self._redis.smembers(self._lanes))
        keys = [self._callbacks, *(f"{self._lanes}:{name}" for name in names)]
        lanes = [cast(list[str], self._redis.zrange(key, 0, at_most - 1)) for key in keys]
        return {int(contact_id) for lane in lanes for contact_id in lane}

    def held_count(self) -> int:
        """Return how many contacts are on callers' screens."""
        return self._redis.zcard(self._held)

    def run_id(self) -> str:
        """Return the id of this run of Redis. Each start gives Redis another id."""
        return str(self._redis.info("server")["run_id"])

    def is_built(self) -> bool:
        """Whether the queue is complete. It is not once Redis was emptied, replaced or started
        again.

        A Redis that was started again has read its data from a file, which may be older than the
        data that it lost.
        """
        return self._redis.get(self._built) == self.run_id()

    def mark_built(self, run_id: str = "") -> None:
        """Mark the queue as built in the run of Redis with this id, so that `take` works. "" means
        the present run."""
        self._redis.set(self._built, run_id or self.run_id())

    def clear_lanes(self) -> None:
        """Empty the lanes and the callbacks. The holds are kept."""
        _script(self._redis, "clear")(
            keys=[self._lanes, self._callbacks, self._details], client=self._redis
        )

    def clear(self) -> None:
        """Delete everything that Redis holds for the campaign. The next claim rebuilds the queue
        from PostgreSQL."""
        self.clear_lanes()
        self._redis.delete(self._built, self._held, self._holders)

    @contextmanager
    def lock(self, what: str) -> Iterator[bool]:
        """Take a lock among processes, without waiting, and yield whether this process has it.

        Only the process that has the lock removes it, so a process whose lock has expired does not
        remove the lock of the next process.
        """
        key, token = f"{self._lock}:{what}", secrets.token_hex(8)
        got = bool(self._redis.set(key, token, nx=True, ex=LOCK_SECONDS))
        try:
            yield got
        finally:
            if got and self._redis.get(key) == token:
                self._redis.delete(key)


def _joined(list_ids: Iterable[int]) -> str:
    return ",".join(map(str, sorted(list_ids)))


@cache
def _source(name: str) -> str:
    return (Path(__file__).parent / "lua" / f"{name}.lua").read_text()


@cache
def _script(redis: Redis, name: str) -> Script:
    # The script object sends EVALSHA. It sends the text of the script only after NOSCRIPT, which a
    # new Redis answers.
    return redis.register_script(_source(name))
