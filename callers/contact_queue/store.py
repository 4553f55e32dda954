"""What Redis holds for one campaign, and every command that changes it.

Keys, all with one hash tag so that a Redis Cluster keeps a campaign on one node:

- `built`      there while the queue stands; gone with a Redis that was emptied or replaced
- `ready`      sorted set of contact ids in hand-out order, a few minutes' worth
- `callbacks`  sorted set of contact ids by the time they are due, those due soon
- `details`    hash, contact id → "list:language:promiser", for the two sets above
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
from typing import cast

from redis import Redis
from redis.commands.core import Script

# For this long after its time, a callback is only for the caller who promised it.
PROMISER_ALONE_SECONDS = 600

# Longer than a refill or rebuild takes, short enough that a killed process holds nobody up.
LOCK_SECONDS = 10


@dataclass(frozen=True)
class Offer:
    """A contact to put into a set. `score` is its place in line, or when a callback is due."""

    contact_id: int
    score: float
    list_id: int
    language: str
    promiser_id: int | None = None


@dataclass(frozen=True)
class Taken:
    """What `take` found: a contact id, or None and whether Redis had lost the queue."""

    contact_id: int | None
    ready_left: int = 0
    lost: bool = False


class QueueStore:
    """The queue of one campaign in Redis. Raises redis' own errors when Redis is away."""

    def __init__(self, redis: Redis, campaign_id: int) -> None:
        self._redis = redis
        prefix = f"queue:{{{campaign_id}}}"
        self._built = f"{prefix}:built"
        self._ready = f"{prefix}:ready"
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
        languages: Iterable[str] = (),
    ) -> Taken:
        """Move one contact from the line into `held`, for this caller. Atomic."""
        answer = _script(self._redis, "take")(
            keys=[self._built, self._held, self._ready, self._callbacks, self._details],
            args=[
                now.timestamp(),
                hold_until.timestamp(),
                caller_id,
                PROMISER_ALONE_SECONDS,
                ",".join(map(str, list_ids)),
                ",".join(languages),
            ],
            client=self._redis,
        )
        match answer:
            case ["lost"]:
                return Taken(None, lost=True)
            case ["empty", ready_left]:
                return Taken(None, int(ready_left))
            case ["taken", contact_id, ready_left]:
                return Taken(int(contact_id), int(ready_left))
        raise RuntimeError(f"take.lua answered {answer!r}")

    def offer_ready(self, offers: list[Offer]) -> int:
        """Put contacts in line; returns how many were not there yet."""
        return self._offer(self._ready, offers)

    def offer_callbacks(self, offers: list[Offer]) -> int:
        """Put callbacks among those due soon; returns how many were not there yet."""
        return self._offer(self._callbacks, offers)

    def _offer(self, key: str, offers: list[Offer]) -> int:
        if not offers:
            return 0
        args: list[str | float] = []
        for offer in offers:
            detail = f"{offer.list_id}:{offer.language}:{offer.promiser_id or ''}"
            args += [str(offer.contact_id), offer.score, detail]
        return int(
            _script(self._redis, "offer")(
                keys=[key, self._held, self._details], args=args, client=self._redis
            )
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

    def release(self, contact_id: int) -> None:
        """End a hold: the call was recorded, given back, or never came to be."""
        self._redis.zrem(self._held, str(contact_id))

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

    def ready_ids(self) -> list[int]:
        """The contacts in line, in order."""
        in_line = cast(list[str], self._redis.zrange(self._ready, 0, -1))
        return [int(contact_id) for contact_id in in_line]

    def sizes(self) -> tuple[int, int]:
        """How many are in line, and how many are held."""
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.zcard(self._ready)
            pipe.zcard(self._held)
            ready, held = pipe.execute()
        return int(ready), int(held)

    def is_built(self) -> bool:
        """Whether the queue stands: False after Redis was emptied or replaced."""
        return bool(self._redis.exists(self._built))

    def mark_built(self) -> None:
        """Open the queue for taking, once it is rebuilt."""
        self._redis.set(self._built, "1")

    def clear_line(self) -> None:
        """Empty the line and the callbacks; holds stay."""
        self._redis.delete(self._ready, self._callbacks, self._details)

    def close(self) -> None:
        """Forget everything: the next claim rebuilds from PostgreSQL."""
        self._redis.delete(self._built, self._ready, self._callbacks, self._details, self._held)

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


@cache
def _source(name: str) -> str:
    return (Path(__file__).parent / "lua" / f"{name}.lua").read_text()


@cache
def _script(redis: Redis, name: str) -> Script:
    # The script object sends EVALSHA, and the text again only after NOSCRIPT (a new Redis).
    return redis.register_script(_source(name))
