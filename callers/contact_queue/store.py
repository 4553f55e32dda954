"""What Redis holds for one campaign, and every command that changes it.

Keys, all with one hash tag so that a Redis Cluster keeps a campaign on one node:

- `built`      there while the queue stands; gone with a Redis that was emptied or replaced
- `lines`      set of the names of the lines, "lists:language"
- `lines:…`    a line: sorted set of contact ids in hand-out order, a few minutes' worth. One for
               each language, and again for each set of lists that some caller is limited to
- `callbacks`  sorted set of contact ids by the time they are due, those due soon
- `details`    hash, contact id → "list:language:promiser", for the callbacks
- `held`       sorted set of contact ids by the time their hold runs out
- `lock:…`     short-lived, so that one process refills or rebuilds at a time

Times are seconds since 1970, with fractions.
"""

import secrets
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
        self._lock = f"{prefix}:lock"

    def take(
        self,
        now: datetime,
        hold_until: datetime,
        caller_id: int,
        list_ids: Iterable[int] = (),
        languages: Iterable[str] = ("",),
    ) -> Taken:
        """Move one contact from a line into `held`, for this caller. Atomic.

        Only of these lists, where any are named, and of these languages; "" is those of whom no
        language is known.
        """
        answer = _script(self._redis, "take")(
            keys=[self._built, self._held, self._lines, self._callbacks, self._details],
            args=[
                now.timestamp(),
                hold_until.timestamp(),
                caller_id,
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

    def hold(self, until_by_contact: dict[int, datetime]) -> None:
        """Note holds that PostgreSQL knows of, when rebuilding."""
        if until_by_contact:
            self._redis.zadd(
                self._held, {str(key): until.timestamp() for key, until in until_by_contact.items()}
            )

    def renew(self, contact_id: int, until: datetime) -> None:
        """Let a hold last until then. A hold that was let go of is not made again."""
        self._redis.zadd(self._held, {str(contact_id): until.timestamp()}, xx=True)

    def release(self, *contact_ids: int) -> None:
        """End holds: the call was recorded, given back, or never came to be."""
        if contact_ids:
            self._redis.zrem(self._held, *map(str, contact_ids))

    def holds(self) -> dict[int, datetime]:
        """Every contact held, with the time its hold runs out."""
        held = cast(list[tuple[str, float]], self._redis.zrange(self._held, 0, -1, withscores=True))
        return {int(key): datetime.fromtimestamp(until, UTC) for key, until in held}

    def held_until(self, contact_ids: Iterable[int]) -> dict[int, datetime | None]:
        """When each contact's hold runs out; None for a contact nobody holds."""
        ids = list(contact_ids)
        if not ids:
            return {}
        scores = self._redis.zmscore(self._held, [str(contact_id) for contact_id in ids])
        return {
            contact_id: None if score is None else datetime.fromtimestamp(score, UTC)
            for contact_id, score in zip(ids, scores, strict=True)
        }

    def run_out(self, now: datetime) -> list[int]:
        """The contacts whose hold has run out, still in `held`."""
        found = cast(list[str], self._redis.zrangebyscore(self._held, "-inf", now.timestamp()))
        return [int(contact_id) for contact_id in found]

    def let_go(self, now: datetime, contact_ids: list[int]) -> None:
        """Forget the holds of `run_out`, except those renewed since."""
        if contact_ids:
            _script(self._redis, "let_go")(
                keys=[self._held], args=[now.timestamp(), *contact_ids], client=self._redis
            )

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

    def is_built(self) -> bool:
        """Whether the queue stands: False after Redis was emptied or replaced."""
        return bool(self._redis.exists(self._built))

    def mark_built(self) -> None:
        """Open the queue for taking, once it is rebuilt."""
        self._redis.set(self._built, "1")

    def clear_lines(self) -> None:
        """Empty the lines and the callbacks; holds stay."""
        _script(self._redis, "clear")(
            keys=[self._lines, self._callbacks, self._details], client=self._redis
        )

    def close(self) -> None:
        """Forget everything: the next claim rebuilds from PostgreSQL."""
        self.clear_lines()
        self._redis.delete(self._built, self._held)

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
