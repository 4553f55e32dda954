"""A desk to upload lists at: one campaign, and a real worker that imports them."""

import io
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from phonebank.core.db import db
from phonebank.core.jobs import enqueue, run_worker
from phonebank.csv_input.column_mapping import Mapping
from phonebank.lists import services
from phonebank.lists.jobs import import_list
from phonebank.lists.uploads import guesses_of, store_upload
from phonebank.lists.yes_no_counts import counts_for
from phonebank.models import Campaign, Contact, ContactList, RoleName
from tests.factories import create_account, create_campaign, drama_number


@dataclass
class Desk:
    """An organiser's desk; its uploads go to one campaign."""

    app: Flask
    campaign_id: int
    account_id: int

    def upload(self, content: str | bytes, name: str = "ward.csv") -> int:
        """Upload a file and return the id of its list, whose columns are not confirmed."""
        data = content.encode() if isinstance(content, str) else content
        with self.app.app_context():
            campaign = db.session.get_one(Campaign, self.campaign_id)
            contact_list = store_upload(campaign, self.account_id, name, io.BytesIO(data))
            db.session.commit()
            return contact_list.id

    def confirm(self, list_id: int, **more: Any) -> None:
        """Confirm every column as guessed, and enqueue the import.

        This agrees to all rows that would be suppressed. `more` goes to `services.confirm`.
        """
        with self.app.app_context():
            contact_list = db.session.get_one(ContactList, list_id)
            targets = [guess.target for guess in guesses_of(contact_list)]
            mapping = Mapping.of(contact_list.headers, targets)
            agreed = counts_for(contact_list, mapping).count_suppressed(mapping)
            services.confirm(
                contact_list, contact_list.name, 0, targets, suppressing=agreed, **more
            )
            db.session.commit()
            enqueue(import_list, list_id)

    def work(self) -> None:
        """Let a real worker do all jobs on the queues."""
        with self.app.app_context(), signals_kept():
            run_worker(burst=True)

    def bring(self, content: str | bytes) -> dict[str, Any]:
        """Upload, confirm and import a file; return the columns of its list."""
        list_id = self.upload(content)
        self.confirm(list_id)
        self.work()
        return self.standing(list_id)

    def standing(self, list_id: int) -> dict[str, Any]:
        """Return the columns of a list's row as the database has them."""
        with self.app.app_context():
            contact_list = db.session.get_one(ContactList, list_id)
            return {
                column.name: getattr(contact_list, column.name)
                for column in ContactList.__table__.columns
            }

    def contacts(self, list_id: int | None = None) -> list[Contact]:
        """The campaign's contacts, or a list's, in the order of their numbers and names."""
        query = select(Contact).where(Contact.campaign_id == self.campaign_id)
        if list_id is not None:
            query = query.where(Contact.contact_list_id == list_id)
        with self.app.app_context():
            return list(db.session.scalars(query.order_by(Contact.phone, Contact.name_key)))


@pytest.fixture
def upload_desk(app: Flask, clean_stores: None) -> Desk:
    with app.app_context():
        campaign, account = create_campaign(), create_account(RoleName.ORGANISER)
        db.session.commit()
        return Desk(app, campaign.id, account.id)


@contextmanager
def signals_kept() -> Iterator[None]:
    """Restore the signal handlers, because a worker takes Ctrl-C for itself."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def rows(count: int, first: int = 0) -> str:
    """A file of `count` different people on drama numbers."""
    lines = [f"Voter{n},Example,{drama_number(n)}" for n in range(first, first + count)]
    return "\n".join(["First name,Last name,Phone", *lines]) + "\n"
