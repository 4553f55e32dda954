"""Everything that is stored, as text, so that a test can search it for a person."""

import contextlib
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import text

from phonebank.core.db import db
from phonebank.core.redis import redis_for_jobs

# The table of places has the postcodes and towns of whole countries, and nothing about a person.
_COLUMNS = text("""
SELECT table_name, column_name, data_type FROM information_schema.columns
WHERE table_schema = 'public' AND table_name <> 'place' ORDER BY table_name, ordinal_position
""")


def texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Each stored value with the place where it lies: rows of tables, Redis, and files in `folder`
    except PostgreSQL's own, which has old versions of rows until it cleans up."""
    for table, column, kind in db.session.execute(_COLUMNS).all():
        value = f"encode({column}, 'escape')" if kind == "bytea" else f'CAST("{column}" AS text)'
        query = text(f'SELECT {value} FROM "{table}" WHERE "{column}" IS NOT NULL')
        for stored in db.session.scalars(query):
            yield f"{table}.{column}", stored
    redis = redis_for_jobs()
    for key in redis.scan_iter():
        yield "redis", f"{key!r} {_value(redis, key)}"
    for path in folder.rglob("*"):
        if path.is_file() and "pg" not in path.relative_to(folder).parts:
            yield str(path), path.read_text(errors="replace")


def places_with(secrets: list[str], folder: Path) -> set[str]:
    """The places in which one of these words or numbers lies, however it is written there."""
    plain = [re.sub(r"[\W_]", "", secret.casefold()) for secret in secrets]
    return {
        place
        for place, stored in texts(folder)
        if any(secret in re.sub(r"[\W_]", "", stored.casefold()) for secret in plain)
    }


def _value(redis: Any, key: bytes) -> str:
    reads = {
        b"string": lambda: redis.get(key),
        b"hash": lambda: redis.hgetall(key),
        b"list": lambda: redis.lrange(key, 0, -1),
        b"set": lambda: redis.smembers(key),
        b"zset": lambda: redis.zrange(key, 0, -1, withscores=True),
        b"stream": lambda: redis.xrange(key),
    }
    found = reads[redis.type(key)]()
    if isinstance(found, dict):  # RQ compresses what a job is given
        for name, value in found.items():
            with contextlib.suppress(zlib.error):
                found[name] = zlib.decompress(value)
    return repr(found)
