"""Measures the pages that show events near a place, and the sending of e-mails about events.

Bars (docs/benchmarks.md):

- the page with its style sheets and the map has at most 40 kB when all are compressed
- a kept page (one that the web process still has from an earlier request) takes no more processor
  time than a style sheet
- when there are 20,000 events, it takes at most 1.5 times as long (p95) to draw a page as when
  there are 200
- 5,000 e-mails that are due together are handed to a mail server within five minutes

    python -m bench.near
"""

import asyncio
import gzip
import random
import re
import socketserver
import statistics
import sys
import threading
import time
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import delete, insert, select, text

from bench.http_client import Connection
from bench.measuring import Clock
from bench.servers import migrated_app, stores, web
from phonebank.app import create_app
from phonebank.core import mail
from phonebank.core.config import Config
from phonebank.core.db import db
from phonebank.listings.send import send_next
from phonebank.models import (
    Account,
    Campaign,
    CampaignState,
    Guest,
    GuestMail,
    GuestState,
    Listing,
    ListingKind,
    ListingState,
    MailKind,
    Place,
    now,
)
from phonebank.places.load import load_places

SIZE_BAR = 40_000  # bytes
KEPT_BAR = 1.0
GROWTH_BAR = 1.5
MAILS = 5_000
MAIL_BAR = 300  # seconds
SMALL, LARGE = 200, 20_000
PAGES = 150


def build(count: int) -> None:
    """Delete all campaigns with their events, and store `count` events in random British districts.
    Commits."""
    db.session.execute(delete(Campaign))
    host = db.session.scalar(select(Account).limit(1)) or Account(
        email="listings@example.org", name="Ada", fs_uniquifier="listings"
    )
    campaign = Campaign(
        name="Bench", on_behalf_of="Bench", country="GB", state=CampaignState.RUNNING
    )
    db.session.add_all([host, campaign])
    db.session.flush()
    choice = random.Random(7)
    everywhere = districts()
    db.session.execute(
        insert(Listing),
        [
            {
                "campaign_id": campaign.id,
                "host_id": host.id,
                "kind": ListingKind.PARTY,
                "state": ListingState.SHOWN,
                "title": f"Phone party {number}",
                "host_name": "Ada",
                "starts_at": now() + timedelta(hours=choice.randint(4, 400)),
                "time_zone": "Europe/London",
                "by_video": number % 10 == 0,
                "country": "GB",
                "place_code": place.code,
                "area": f"{place.code} ({place.name})",
                "latitude": place.latitude,
                "longitude": place.longitude,
                "places": 12,
                "languages": ["en"],
                "checked_at": now(),
            }
            for number in range(count)
            for place in [choice.choice(everywhere)]
        ],
    )
    db.session.commit()
    db.session.execute(text("ANALYZE listing"))
    db.session.commit()


def districts() -> list[Place]:
    """Return the places of all British postcode districts."""
    query = select(Place).where(Place.country == "GB", Place.population.is_(None))
    return list(db.session.scalars(query.order_by(Place.id)))


def time_pages(environment: dict[str, str], count: int) -> list[float]:
    """Store `count` events (see `build`). Then return how many seconds this process needs to draw
    each of PAGES pages."""
    app = create_app(Config.from_environment(environment))
    with app.app_context():
        build(count)
        codes = [place.code for place in random.Random(3).sample(districts(), PAGES)]
    client = app.test_client()
    client.get("/near/gb/SW9")
    took = []
    for code in codes:
        began = time.perf_counter()
        assert client.get(f"/near/gb/{code}").status_code == 200
        took.append(time.perf_counter() - began)
    return took


def measure_size(environment: dict[str, str]) -> int:
    """Return how many bytes a page of events near a place and all static files of that page have
    together. Each of them is compressed with gzip."""
    client = create_app(Config.from_environment(environment)).test_client()
    page = client.get("/near/gb/SW9").text
    total = len(gzip.compress(page.encode(), 6))
    for path in sorted(set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page))):
        size = len(client.get(path.replace("&amp;", "&"), headers={"Accept-Encoding": "gzip"}).data)
        total += size
        print(f"  {path.partition('?')[0]}: {size:,}")
    return total


async def _ask(port: int, path: str, seconds: float, connections: int = 6) -> int:
    loop = asyncio.get_running_loop()
    ends_at = time.monotonic() + seconds
    counts = []

    async def one() -> None:
        _, connection = await loop.create_connection(Connection, "127.0.0.1", port)
        asked = (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\n\r\n"
        ).encode()
        count = 0
        while time.monotonic() < ends_at:
            answer = await connection.send(asked)
            assert answer.status == 200, answer.status
            count += 1
        counts.append(count)

    await asyncio.gather(*(one() for _ in range(connections)))
    return sum(counts)


def measure_kept(environment: dict[str, str], seconds: float) -> float:
    """Compare kept pages with style sheets. A kept page is a page that the web process still has
    from an earlier request. Return how many kept pages a web process serves in a second of
    processor time, divided by how many style sheets it serves in the same time."""
    rates: dict[str, list[float]] = {"/near/gb/SW9": [], "/static/phonebank.css": []}
    with web(environment, "wsgi:app", 1) as port:
        for _ in range(4):
            for path, found in rates.items():
                asyncio.run(_ask(port, path, 0.3))
                clock, began = Clock("wsgi:app"), time.monotonic()
                count = asyncio.run(_ask(port, path, seconds))
                found.append(count / (clock.read()["web"] * (time.monotonic() - began)))
    kept, sheet = (statistics.median(found) for found in rates.values())
    print(f"requests a second of processor time: kept page {kept:,.0f}, style sheet {sheet:,.0f}")
    return kept / sheet


class _Mailbox(socketserver.StreamRequestHandler):
    """A mail server that reads each message and throws it away. It answers every command as if the
    command had succeeded."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            if line.upper().startswith(b"DATA"):
                self.wfile.write(b"354 go on\r\n")
                while self.rfile.readline() != b".\r\n":
                    pass
            self.wfile.write(b"250 yes\r\n")
            if line.upper().startswith(b"QUIT"):
                return


def measure_mails(environment: dict[str, str], count: int) -> float:
    """Store SMALL events and `count` reminders that are due. Return how many seconds it takes to
    hand these reminders to a mail server."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Mailbox) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        config = replace(
            Config.from_environment(environment),
            mail_server="127.0.0.1",
            mail_port=server.server_address[1],
        )
        with create_app(config).app_context():
            build(SMALL)
            ids = list(db.session.scalars(select(Listing.id)))
            db.session.execute(
                insert(Guest),
                [
                    {"listing_id": ids[n % len(ids)], "first_name": "Sam", "token": str(n),
                     "email": f"guest{n}@example.org", "state": GuestState.ACCEPTED}
                    for n in range(count)
                ],
            )  # fmt: skip
            at = now()
            guests = db.session.scalars(select(Guest.id)).all()
            db.session.execute(
                insert(GuestMail),
                [
                    {"guest_id": guest_id, "kind": MailKind.SOON, "sequence": 0, "due_at": at}
                    for guest_id in guests
                ],
            )
            db.session.commit()
            began = time.monotonic()
            with mail.batch() as batch:
                while send_next(at, batch.send):
                    pass
            took = time.monotonic() - began
        server.shutdown()
    return took


def main(quick: bool = False) -> bool:
    """Print the figures. Return whether every bar was met."""
    with stores() as environment:
        app = migrated_app(environment)
        with app.app_context():
            load_places()
            db.session.commit()
        p95 = {}
        for count in (SMALL, LARGE):
            took = time_pages(environment, count)
            p95[count] = statistics.quantiles(took, n=20)[18]
            print(
                f"drawing a page among {count:,} events: median "
                f"{1000 * statistics.median(took):.1f} ms, p95 {1000 * p95[count]:.1f} ms"
            )
        size = measure_size(environment)
        kept = measure_kept(environment, 1.0 if quick else 3.0)
        mails = 500 if quick else MAILS
        seconds = measure_mails(environment, mails) * MAILS / mails
    growth = p95[LARGE] / p95[SMALL]
    found = (
        (f"page, style sheets and map {size:,} bytes (bar {SIZE_BAR:,})", size <= SIZE_BAR),
        (f"kept page {kept:.2f} of a style sheet (bar {KEPT_BAR})", kept >= KEPT_BAR),
        (f"p95 among {LARGE:,}: {growth:.2f} of {SMALL} (bar {GROWTH_BAR})", growth <= GROWTH_BAR),
        (f"{MAILS:,} reminders in {seconds:.0f} s (bar {MAIL_BAR})", seconds <= MAIL_BAR),
    )
    for words, is_kept in found:
        print(f"{words}: {'kept' if is_kept else 'MISSED'}")
    return all(is_kept for _, is_kept in found)


if __name__ == "__main__":
    sys.exit(not main())
