"""Limits how many calls per second Phonebank asks Twilio to start.

An account may start one call per second, unless Twilio has raised that limit. Twilio keeps calls
above the limit in a queue for up to a day, and would call people long after the callers had gone
home. So this module delays those calls instead, for at most a few seconds, and refuses a call that
would have to wait longer. Redis stores the time at which the next call may start, so the limit
applies to all processes together. While Redis does not answer, the limit applies to each process
separately.
"""

import threading
import time

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from phonebank.telephony.backend import BackendUnavailableError

KEY = "phonebank:twilio:next_call"
# Seconds. A call that would have to wait longer is refused, because nobody may want it by then.
WAIT_AT_MOST = 5.0

# The answer is in milliseconds, and -1 if the wait would be too long.
_RESERVE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local slot = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
if slot - now > tonumber(ARGV[2]) then return -1 end
redis.call('SET', KEYS[1], slot + tonumber(ARGV[1]), 'PX', 60000)
return slot - now
"""


class CallPace:
    """The pace at which one account may start calls. Its methods may be called from several
    threads."""

    def __init__(self, redis_url: str, calls_a_second: float) -> None:
        # If Redis does not answer, a call must not wait for further tries to reach Redis.
        self._redis = Redis.from_url(
            redis_url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0)
        )
        self._gap = 1 / calls_a_second
        self._lock = threading.Lock()
        self._next_call = 0.0

    def wait(self) -> None:
        """Wait until a call may start. Raises BackendUnavailableError if the wait would be longer
        than WAIT_AT_MOST seconds."""
        seconds = self._reserve()
        if seconds < 0:
            raise BackendUnavailableError("More calls wait than may begin in the next seconds.")
        if seconds:
            time.sleep(seconds)

    def _reserve(self) -> float:
        """Reserve a time at which this call may start. Return the number of seconds until then, or
        a negative number if the wait would be too long."""
        try:
            gap, most = 1000 * self._gap, 1000 * WAIT_AT_MOST
            answer = self._redis.eval(_RESERVE, 1, KEY, str(gap), str(most))
            return float(answer) / 1000
        except RedisError:
            return self._reserve_without_redis()

    def _reserve_without_redis(self) -> float:
        """Do the same as `_reserve` but without Redis, and therefore only for this process."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next_call)
            if turn - now > WAIT_AT_MOST:
                return -1.0
            self._next_call = turn + self._gap
            return turn - now
