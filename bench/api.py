"""Measures how many reads of the API two web workers can answer in a second on two cores.

The bar (docs/benchmarks.md): the servers can answer 500 reads a second, and no read gets an error.
The number of reads is computed from the processor time that the servers need for one read. Half of
these reads ask for one person, and half ask for ten outcomes after a cursor. Pages of 100 people
and of 100 outcomes are measured as well, without a bar.

    python -m bench.api [SECONDS]
"""

import asyncio
import itertools
import json
import os
import sys
import time

from sqlalchemy import select, text

from bench import exports
from bench.http_client import Connection
from bench.measuring import Clock
from bench.reporting import percentile
from bench.servers import migrated_app, stores, web
from phonebank.api_tokens.tokens import TOKENS_AT_MOST, create_token
from phonebank.core.db import db
from phonebank.models import Account, Campaign, Contact, Role, RoleName, Scope

BAR = 500
PEOPLE = 20_000
CONNECTIONS = 10
WORKERS = 2
CORES = 2

# `exports.build` makes all calls at one moment. Real callers don't, so the times are spread here.
_SPREAD = text("UPDATE call SET recorded_at = recorded_at - random() * interval '3 hours'")


def tokens(account_id: int, campaign_id: int) -> list[str]:
    """Make as many tokens as a campaign may have, and return their secrets. Commits."""
    campaign = db.session.get_one(Campaign, campaign_id)
    account = db.session.get_one(Account, account_id)
    made = [
        create_token(campaign, account, f"Reader {n}", list(Scope))[1]
        for n in range(TOKENS_AT_MOST)
    ]
    db.session.commit()
    return made


async def read(
    port: int, secrets: list[str], addresses: list[str], seconds: float
) -> tuple[list[float], int]:
    """For `seconds` seconds, request the addresses one after another, and begin again after the
    last one. CONNECTIONS connections share this work. Each request uses the next token, and the
    first token follows the last one. Return how many seconds each answer took, and how many answers
    had a status other than 200."""
    took: list[float] = []
    refused = 0
    ends = time.monotonic() + seconds
    secret, address = itertools.cycle(secrets), itertools.cycle(addresses)

    async def one_client() -> None:
        nonlocal refused
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, "127.0.0.1", port)
        while time.monotonic() < ends:
            began = time.perf_counter()
            answer = await connection.send(
                f"GET /api/v1{next(address)} HTTP/1.1\r\nHost: localhost\r\n"
                f"Authorization: Bearer {next(secret)}\r\n\r\n".encode()
            )
            took.append(time.perf_counter() - began)
            refused += answer.status != 200
        connection.drop()

    await asyncio.gather(*(one_client() for _ in range(CONNECTIONS)))
    return took, refused


def main(seconds: float = 8) -> bool:
    """Print, for each kind of read, how many a second the servers can answer, and how many they did
    answer. Return whether the bar was kept."""
    kept = False
    with stores() as environment:
        app = migrated_app(environment)
        with app.app_context():
            campaign_id, account_id = exports.build(PEOPLE)
            db.session.execute(_SPREAD)
            account = db.session.get_one(Account, account_id)
            account.roles = [Role(name=RoleName.ORGANISER)]
            secrets = tokens(account_id, campaign_id)
            ids = db.session.scalars(select(Contact.id).limit(200)).all()
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM ANALYZE"))
        with web(environment, "wsgi:app", WORKERS) as port:
            cursor = first_cursor(port, secrets[0])
            people = [f"/contacts/{contact_id}" for contact_id in ids]
            news = [f"/outcomes?limit=10&cursor={cursor}"]
            mixed = [one for person in people for one in (person, *news)]
            kinds = {
                "one person and ten outcomes, in turn": mixed,
                "a page of 100 people": ["/contacts"],
                "a page of 100 outcomes": ["/outcomes"],
            }
            # A token may send 1,200 requests a minute, and the 20 tokens 24,000 together.
            asyncio.run(read(port, secrets, mixed, 2))
            for kind, addresses in kinds.items():
                clock = Clock("wsgi:app")
                took, refused = asyncio.run(read(port, secrets, addresses, seconds))
                spent = clock.read()
                speed = len(took) / seconds
                cost = sum(spent.values()) / speed
                costs = ", ".join(f"{name} {1000 * s / speed:.2f}" for name, s in spent.items())
                print(
                    f"{kind}: {CORES / cost:,.0f} a second by processor time, {speed:,.0f} here;"
                    f" p50 {1000 * percentile(took, 0.5):.1f},"
                    f" p95 {1000 * percentile(took, 0.95):.1f} ms; processor ms each: {costs};"
                    f" {refused} refused; load average {os.getloadavg()[0]:.1f}",
                    flush=True,
                )
                kept |= kind.startswith("one person") and CORES / cost >= BAR and not refused
    print(f"{BAR} reads a second: {'kept' if kept else 'MISSED'}")
    return kept


def first_cursor(port: int, secret: str) -> str:
    """Request the first 50 outcomes, and return the cursor with which the next request begins after
    them."""

    async def ask() -> str:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, "127.0.0.1", port)
        answer = await connection.send(
            "GET /api/v1/outcomes?limit=50 HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {secret}\r\n\r\n".encode()
        )
        connection.drop()
        return str(json.loads(answer.body)["next_cursor"])

    return asyncio.run(ask())


if __name__ == "__main__":
    sys.exit(not main(float(sys.argv[1]) if len(sys.argv) > 1 else 8))
