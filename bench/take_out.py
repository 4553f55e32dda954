"""Measures how fast people are taken out of calling with a file of IDs, and how fast they are put
back.

The bar (docs/benchmarks.md): in a campaign of about 900,000 people, taking people out with a file
of 100,000 IDs ends less than 20 seconds after an organiser confirms the file.

    python -m bench.take_out [PEOPLE] [IDS]
"""

import io
import sys
import time

from sqlalchemy import func, select

from bench.find import build
from bench.measuring import cpu_of, servers
from bench.servers import migrated_app, stores
from phonebank.core.db import db
from phonebank.lists import undo
from phonebank.lists.jobs import take_people_out, undo_import
from phonebank.lists.services import confirm_take_out
from phonebank.lists.uploads import store_upload
from phonebank.models import Campaign, Contact, ContactList, ContactState, ListState

BAR = 20.0  # seconds


def main(people: int = 1_000_000, ids: int = 100_000) -> bool:
    """Print how long it took to take people out and to put them back. Return whether the bar is
    kept."""
    with stores() as environment, migrated_app(environment).app_context():
        build(people)
        took, spent, back = _measure(ids)
    print(
        f"{ids:,} IDs among {people:,} people: taken out in {took:.1f} s (bar: {BAR:.0f} s), of "
        f"which {spent:.1f} s of the processors; put back in {back:.1f} s"
    )
    return took < BAR


def _processor_seconds() -> float:
    return time.process_time() + sum(cpu_of(one) for one in servers()["postgres"])


def _measure(ids: int) -> tuple[float, float, float]:
    """Take people out, and put them back. Return how many seconds it took to take them out, how
    many processor seconds that used, and how many seconds it took to put them back."""
    campaign = db.session.scalars(select(Campaign).order_by(Campaign.id)).all()[0]
    file = io.BytesIO(("Voter ID\n" + "".join(f"V{n * 3}\n" for n in range(1, ids + 1))).encode())
    stored = store_upload(campaign, None, "voted.csv", file, "voted")
    confirm_take_out(stored, "Voted", ["external_id"], agreed=True)
    db.session.commit()
    began, spent = time.perf_counter(), _processor_seconds()
    while stored.state != ListState.READY:
        take_people_out(stored.id)
        db.session.refresh(stored)
    took, spent = time.perf_counter() - began, _processor_seconds() - spent
    assert _out() == stored.rows_updated > ids // 2, stored.rows_updated

    undo.begin_undo(stored)
    db.session.commit()
    began = time.perf_counter()
    undo_import(stored.id)
    back = time.perf_counter() - began
    assert db.session.get_one(ContactList, stored.id, populate_existing=True).finished_at
    assert _out() == 0
    return took, spent, back


def _out() -> int:
    query = select(func.count()).where(Contact.state == ContactState.TAKEN_OUT)
    return db.session.scalar(query) or 0


if __name__ == "__main__":
    sys.exit(not main(*map(int, sys.argv[1:])))
