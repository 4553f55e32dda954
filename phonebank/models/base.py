"""The parts that several tables share: the declarative base, the names of constraints, column
types, and default values."""

import os
import time
import uuid
from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, FetchedValue, MetaData, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    # Constraints have fixed names, so that a migration can drop what an earlier one made.
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB(none_as_null=True),
        list[Any]: JSONB,
    }


class Versioned:
    """A base class for ORM classes that need PostgreSQL's column `xmin`. Their attribute
    `row_version` has the value of this column. `xmin` is the id of the transaction that last wrote
    the row.

    PostgreSQL keeps `xmin` for every row of every table, and locking a row does not change its
    `xmin`. A statement may rely on rows that were read earlier. Its WHERE clause can then compare
    the `xmin` of each of these rows with the value that was read. The statement writes nothing if
    another change to one of these rows was committed between that reading and the start of the
    statement. If the statement also locks these rows, it also writes nothing if such a change is
    committed while the statement waits for the lock.
    """

    row_version: Mapped[str] = mapped_column(
        "xmin",
        String,
        system=True,
        server_default=FetchedValue(),
        server_onupdate=FetchedValue(),
    )


def now() -> datetime:
    """Return the current moment as an aware time in UTC. Every stored time is in UTC."""
    return datetime.now(UTC)


def new_id() -> uuid.UUID:
    """Return a version 7 UUID (RFC 9562 section 5.7): 48 bits of milliseconds, followed by random
    bits.

    Nobody can guess such an id, so it can also serve as a secret token. The ids are ordered by
    time, so an index of millions of ids grows at one end instead of everywhere.
    """
    value = int(time.time() * 1000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)
