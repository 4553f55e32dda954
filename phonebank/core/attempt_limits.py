"""Limits on how often a sender of requests gets certain answers, for example the answer to a wrong
code.

Only some answers count towards a limit. Whether an answer counts is known only when the request has
finished. So each request reserves a place within the limit before its view runs, and a reserved
place is treated like an answer that counts. If no place is free, the request waits for another
request to finish. The request is refused if it has waited for MAX_WAIT seconds. After a sender has
received as many counted answers as the limit allows, the sender's further requests are refused
until the period of the limit has ended. So, while Redis is available, the number of counted answers
does not exceed the limit, however many requests arrive at the same time.

Answers and reserved places are counted in Redis. One Lua script reserves a place. Another script
releases the place and, if the answer counts, adds the answer to the count. While Redis is
unavailable, each process counts only its own requests.
"""

import functools
import random
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import current_app, make_response, request
from limits import RateLimitItem, parse_many
from redis.exceptions import RedisError
from sqlalchemy.exc import DataError
from werkzeug.exceptions import HTTPException

from phonebank.core.error_pages import HTTP_WORDS
from phonebank.core.errors import PhonebankError, TooManyRequestsError
from phonebank.core.rate_limits import client_key
from phonebank.core.redis import redis_store

# Seconds. A request waits this long for a place, for example when a whole hall joins at once.
MAX_WAIT = 3.0
RETRY_EVERY = 0.05
# Seconds after which a place expires, in case its process was killed. No request takes as long.
PLACE_LIFETIME = 30

GO_ON, WAIT, USED_UP = "go on", "wait", "used up"

# KEYS: the places taken, then a counter for each limit. ARGV: this place, the seconds after which
# it expires, then the amount of each limit.
_TAKE = """
local now = redis.call('TIME')
now = now[1] + now[2] / 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
local taken = redis.call('ZCARD', KEYS[1])
local answer = 'go on'
for i = 2, #KEYS do
  local counted = tonumber(redis.call('GET', KEYS[i]) or 0)
  local most = tonumber(ARGV[i + 1])
  if counted >= most then return 'used up' end
  if counted + taken >= most then answer = 'wait' end
end
if answer == 'go on' then
  redis.call('ZADD', KEYS[1], now, ARGV[1])
  redis.call('EXPIRE', KEYS[1], ARGV[2])
end
return answer
"""
# KEYS are as for `_TAKE`. ARGV: this place, 1 if the answer counts, then the seconds of each limit.
_RELEASE = """
redis.call('ZREM', KEYS[1], ARGV[1])
if ARGV[2] == '1' then
  for i = 2, #KEYS do
    if redis.call('INCR', KEYS[i]) == 1 then redis.call('EXPIRE', KEYS[i], ARGV[i + 1]) end
  end
end
"""


@dataclass
class _LocalCount:
    """The counts that a process keeps by itself while Redis is unavailable. For each sender, the
    process counts answers, and the places that unfinished requests have reserved within a limit.

    If Redis becomes available again before a request finishes, the request's answer is counted in
    Redis. The place that the request reserved in this process expires after PLACE_LIFETIME.
    """

    _taken: dict[str, dict[str, float]] = field(default_factory=dict)
    _counted: dict[str, tuple[int, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, keys: Sequence[str], place: str, limits: Sequence[RateLimitItem]) -> str:
        with self._lock:
            at = time.monotonic()
            # Forget what has expired. Otherwise memory would fill up while Redis is unavailable for
            # hours.
            self._taken = {key: places for key, places in self._taken.items() if places}
            self._counted = {key: one for key, one in self._counted.items() if one[1] > at}
            taken = self._taken.setdefault(keys[0], {})
            for old in [old for old, end in taken.items() if end <= at]:
                del taken[old]
            counts = [self._counted.get(key, (0, 0.0))[0] for key in keys[1:]]
            answer = GO_ON
            for count, limit in zip(counts, limits, strict=True):
                if count >= limit.amount:
                    return USED_UP
                if count + len(taken) >= limit.amount:
                    answer = WAIT
            if answer == GO_ON:
                taken[place] = at + PLACE_LIFETIME
            return answer

    def release(
        self, keys: Sequence[str], place: str, counts: bool, limits: Sequence[RateLimitItem]
    ) -> None:
        with self._lock:
            self._taken.get(keys[0], {}).pop(place, None)
            for key, limit in zip(keys[1:], limits, strict=True) if counts else ():
                count, end = self._counted.get(key, (0, time.monotonic() + limit.get_expiry()))
                self._counted[key] = count + 1, end


_local_count = _LocalCount()


@dataclass(frozen=True)
class AttemptLimit:
    """A limit, used as a decorator of views. Each sender has a separate count. All views whose
    limits have the same `scope` share this count.

    `limits` is text that Flask-Limiter reads, such as “20 per minute; 200 per hour”, or a function
    that returns such text. `counts` takes an HTTP status and says whether an answer with that
    status counts. `methods` names the HTTP methods to which the limit applies (None means all). A
    refused request raises TooManyRequestsError with `message`.
    """

    scope: str
    limits: str | Callable[[], str]
    counts: Callable[[int], bool]
    methods: Sequence[str] | None = None
    message: str = "There were too many tries from your network."

    def __call__(self, view: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(view)
        def limited(*args: Any, **kwargs: Any) -> Any:
            if self.methods and request.method not in self.methods:
                return view(*args, **kwargs)
            limits = parse_many(self.limits if isinstance(self.limits, str) else self.limits())
            keys = self._keys(limits)
            place = self._take_place(keys, limits)
            status = 0
            try:
                answer = make_response(view(*args, **kwargs))
                status = answer.status_code
                return answer
            except Exception as error:
                status = _status_of(error)
                raise
            finally:
                self._release(keys, place, self.counts(status), limits)

        return limited

    def _keys(self, limits: Sequence[RateLimitItem]) -> list[str]:
        # The braces keep the keys in one hash slot, because one script reads them all.
        prefix = f"tries:{{{self.scope}:{client_key()}}}"
        return [f"{prefix}:taken", *(f"{prefix}:{limit.get_expiry()}" for limit in limits)]

    def _take_place(self, keys: list[str], limits: Sequence[RateLimitItem]) -> str:
        place = secrets.token_hex(8)
        until = time.monotonic() + MAX_WAIT
        while (answer := _take(keys, place, limits)) != GO_ON:
            if answer == USED_UP or time.monotonic() > until:
                raise TooManyRequestsError(self.message, HTTP_WORDS[429][2])
            time.sleep(RETRY_EVERY * (0.5 + random.random()))  # noqa: S311
        return place

    def _release(
        self, keys: list[str], place: str, counts: bool, limits: Sequence[RateLimitItem]
    ) -> None:
        args: list[str | int] = [place, int(counts), *(limit.get_expiry() for limit in limits)]
        try:
            redis_store().register_script(_RELEASE)(keys=keys, args=args)
        except RedisError as error:
            _log_away(error)
            _local_count.release(keys, place, counts, limits)


def _take(keys: list[str], place: str, limits: Sequence[RateLimitItem]) -> str:
    args: list[str | int] = [place, PLACE_LIFETIME, *(limit.amount for limit in limits)]
    try:
        return str(redis_store().register_script(_TAKE)(keys=keys, args=args))
    except RedisError as error:
        _log_away(error)
        return _local_count.take(keys, place, limits)


def _status_of(error: Exception) -> int:
    """Return an HTTP status for the error. For Phonebank's own errors and for HTTP errors, this is
    the status of the answer. For a value that PostgreSQL cannot store, the result is 404. For every
    other error, the result is 500."""
    if isinstance(error, PhonebankError):
        return error.status
    if isinstance(error, HTTPException):
        return error.code or 500
    return 404 if isinstance(error, DataError) else 500


def _log_away(error: RedisError) -> None:
    current_app.logger.warning("tries are counted by this process: %s", type(error).__name__)
