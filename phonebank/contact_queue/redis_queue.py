"""What Redis holds for one campaign, and every command that changes it.

All of it is a copy: who holds whom, and until when, is written in PostgreSQL (`call.expires_at`).

Keys, all with one hash tag so that a Redis Cluster keeps a campaign on one node:

- `built`      the run id of the Redis in which the queue was built. Gone with a Redis that was
               emptied; another's in one that was started again or replaced, whatever it read back
- `lines`      set of the names of the lines, "lists:language"
- `lines:…`    a line: sorted set of contact ids in hand-out order, a few minutes' worth. One for
               each language, and again for each set of lists that some caller is limited to
- `callbacks`  sorted set of contact ids by the time they are due, those due soon
- `details`    hash, contact id → "list:language:promiser", for the callbacks
- `held`       sorted set of contact ids by the time their hold runs out
- `holders`    hash, contact id → id of the call that holds them: only that call lets go of them
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

# For this long after its time, a callback is only for the caller who promised it.
PROMISER_ALONE_SECONDS = 600

# Longer than a refill or rebuild takes, short enough that a killed process holds nobody up.
LOCK_SECONDS = 10


@dataclass(frozen=True)
class Offer:
    """A contact to put into a line, or among the callbacks. `score` is its place in line, or when
    the callback is due."""

    contact_id: int
    score: float
    list_id: int
    language: str
    promiser_id: int | None = None


@dataclass(frozen=True)
class Taken:
    """What `take` found: a contact id, or None and whether Redis had lost the queue. `left` are in
    the lines that this caller may take from."""

    contact_id: int | None
    left: int = 0
    lost: bool = False


@dataclass(frozen=True)
class Held:
    """A contact on a caller's screen: the call that holds them, and until when. `call_id` is None
    where Redis has lost it."""

    contact_id: int
    call_id: uuid.UUID | None
    until: datetime


class QueueStore:
    """The queue of one campaign in Redis. Raises redis' own errors when Redis is away."""

    def __init__(self, redis: Redis, campaign_id: int) -> None:
        self._redis = redis
        prefix = f"queue:{{{campaign_id}}}"
        self._built = f"{prefix}:built"
        self._lines = f"{prefix}:lines"
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
    ) -> Taken:
        """Move one contact from a line into `held`, for this caller and this call to be. Atomic.

        Only of these lists, where any are named, and of these languages; "" is those of whom no
        language is known.
        """
        answer = _script(self._redis, "take")(
            keys=[
                self._built,
                self._held,
                self._holders,
                self._lines,
                self._callbacks,
                self._details,
            ],
            args=[
                now.timestamp(),
                hold_until.timestamp(),
                caller_id,
                str(call_id),
                PROMISER_ALONE_SECONDS,
                _joined(list_ids),
                ",".join(languages),
            ],
            client=self._redis,
        )
        match answer:
            case ["lost"]:
                return Taken(None, lost=True)
            case ["empty", left]:
                return Taken(None, int(left))
            case ["taken", contact_id, left]:
                return Taken(int(contact_id), int(left))
        raise RuntimeError(f"take.lua answered {answer!r}")

    def offer(self, offers: Iterable[Offer], list_ids: Iterable[int] = ()) -> int:
        """Put contacts into the lines of their languages; how many were not there yet.

        `list_ids`: into those of callers who are limited to exactly these lists.
        """
        by_name: dict[str, list[Offer]] = {}
        for offer in offers:
            name = f"{_joined(list_ids)}:{offer.language}"
            by_name.setdefault(name, []).append(offer)
        if by_name:
            self._redis.sadd(self._lines, *by_name)
        return sum(self._put(f"{self._lines}:{name}", some) for name, some in by_name.items())

    def offer_callbacks(self, offers: list[Offer]) -> int:
        """Put callbacks among those due soon; returns how many were not there yet."""
        if not offers:
            return 0
        details: dict[Any, Any] = {
            str(offer.contact_id): f"{offer.list_id}:{offer.language}:{offer.promiser_id or ''}"
            for offer in offers
        }
        self._redis.hset(self._details, mapping=details)
        return self._put(self._callbacks, offers)

    def _put(self, key: str, offers: list[Offer]) -> int:
        args = [value for offer in offers for value in (str(offer.contact_id), offer.score)]
        return int(
            _script(self._redis, "offer")(keys=[key, self._held], args=args, client=self._redis)
        )

    def hold(self, *holds: Held) -> None:
        """Copy holds as PostgreSQL has them, over whatever Redis knew of these contacts."""
        self._write_holds(holds, replace=False)

    def hold_only(self, holds: Iterable[Held]) -> None:
        """Copy every hold as PostgreSQL has them, and forget all others."""
        self._write_holds(tuple(holds), replace=True)

    def _write_holds(self, holds: tuple[Held, ...], replace: bool) -> None:
        if not holds and not replace:
            return
        with self._redis.pipeline() as at_once:
            if replace:
                at_once.delete(self._held, self._holders)
            if holds:
                at_once.zadd(self._held, {str(h.contact_id): h.until.timestamp() for h in holds})
                at_once.hset(self._holders, mapping={str(h.contact_id): str(h.call_id)
                                                     for h in holds})  # fmt: skip
            at_once.execute()

    def release(self, contact_id: int, call_id: uuid.UUID | None) -> None:
        """Let go of a contact: the call was recorded, given back, or never came to be.

        Only where this call holds them, or Redis has lost which one does.
        """
        _script(self._redis, "release")(
            keys=[self._held, self._holders],
            args=[contact_id, str(call_id or "")],
            client=self._redis,
        )

    def copied_holds(self) -> list[Held]:
        """Every contact held, as Redis has it."""
        with self._redis.pipeline() as at_once:
            at_once.zrange(self._held, 0, -1, withscores=True)
            at_once.hgetall(self._holders)
            held, holders = at_once.execute()
        return [
            Held(
                int(key),
                uuid.UUID(holders[key]) if key in holders else None,
                datetime.fromtimestamp(until, UTC),
            )
            for key, until in held
        ]

    def holds(self) -> dict[int, datetime]:
        """Every contact held, with the time its hold runs out."""
        return {held.contact_id: held.until for held in self.copied_holds()}

    def in_line(self, language: str = "", list_ids: Iterable[int] = ()) -> list[int]:
        """The contacts in one line, in order."""
        name = f"{_joined(list_ids)}:{language}"
        found = cast(list[str], self._redis.zrange(f"{self._lines}:{name}", 0, -1))
        return [int(contact_id) for contact_id in found]

    def foremost_in_line(self, at_most: int) -> set[int]:
        """The contacts at the head of each line and of the callbacks due soon, so many of each."""
        names = cast(set[str], self._redis.smembers(self._lines))
        keys = [self._callbacks, *(f"{self._lines}:{name}" for name in names)]
        lines = [cast(list[str], self._redis.zrange(key, 0, at_most - 1)) for key in keys]
        return {int(contact_id) for line in lines for contact_id in line}

    def held_count(self) -> int:
        """How many contacts are on callers' screens."""
        return self._redis.zcard(self._held)

    def run_id(self) -> str:
        """Which Redis this is: another one after each start of it."""
        return str(self._redis.info("server")["run_id"])

    def is_built(self) -> bool:
        """Whether the queue stands: False once Redis was emptied, replaced or started again.

        What one that was started again read back from its file is older than what it forgot.
        """
        return self._redis.get(self._built) == self.run_id()

    def mark_built(self, run_id: str = "") -> None:
        """Open the queue for taking, once it is rebuilt: in the Redis of this run, else in this."""
        self._redis.set(self._built, run_id or self.run_id())

    def clear_lines(self) -> None:
        """Empty the lines and the callbacks; holds stay."""
        _script(self._redis, "clear")(
            keys=[self._lines, self._callbacks, self._details], client=self._redis
        )

    def close(self) -> None:
        """Forget everything: the next claim rebuilds from PostgreSQL."""
        self.clear_lines()
        self._redis.delete(self._built, self._held, self._holders)

    @contextmanager
    def only_one(self, what: str) -> Iterator[bool]:
        """A lock among processes; yields whether it was got. Never waits.

        Given back only by who took it, so that one who lost it by being slow cannot open the
        next one's.
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
    # The script object sends EVALSHA, and the text again only after NOSCRIPT (a new Redis).
    return redis.register_script(_source(name))
