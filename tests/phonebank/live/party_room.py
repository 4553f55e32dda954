"""A party whose callers make calls, for tests of boards and host's pages: rows as recording writes
them."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from phonebank.core.db import db
from phonebank.models import (
    Account,
    Call,
    CallEnding,
    Caller,
    Campaign,
    Contact,
    ContactList,
    Party,
    now,
)
from phonebank.tallies import totals
from tests.factories import (
    create_account,
    create_caller,
    create_campaign,
    create_contact,
    create_list,
    create_party,
)

# A name and number that occur nowhere else, so a test finds them in any payload or page.
SECRET_NAME = "Zyxwona"
SECRET_LAST_NAME = "Quillfeather"
SECRET_PHONE = "+442079460931"


@dataclass
class Room:
    """A party, and what it takes to record calls in it. Nothing here commits."""

    campaign: Campaign
    contact_list: ContactList
    host: Account
    party: Party

    def join(self, first_name: str, **values: object) -> Caller:
        return create_caller(self.campaign, self.party, first_name=first_name, **values)

    def hand_out(self, caller: Caller, contact: Contact | None = None) -> Call:
        """Make an open call: the caller has a contact on their screen."""
        contact = contact or create_contact(self.contact_list)
        call = Call(
            id=uuid.uuid4(),
            campaign_id=self.campaign.id,
            contact_id=contact.id,
            caller_id=caller.id,
            party_id=self.party.id,
            phone=contact.phone,
            expires_at=now() + timedelta(minutes=5),
        )
        db.session.add(call)
        db.session.flush()
        return call

    def record(
        self,
        caller: Caller,
        conversation: bool = False,
        yes: bool = False,
        reached: bool | None = None,
        at: datetime | None = None,
        contact: Contact | None = None,
        too_fast: bool = False,
    ) -> Call:
        """Make a recorded call with its tally, as they are after an outcome is recorded."""
        call = self.hand_out(caller, contact)
        call.recorded_at = call.ended_at = at or now()
        call.started_at = call.recorded_at - timedelta(seconds=40)
        call.ending, call.counted = CallEnding.RECORDED, True
        call.outcome = "talked" if conversation else "no_answer"
        call.conversation, call.yes, call.too_fast = conversation, yes, too_fast
        call.reached = conversation if reached is None else reached
        self._tally(call, 1)
        return call

    def undo(self, call: Call) -> None:
        """Undo a recorded call, as the undo of its outcome does."""
        self._tally(call, -1)
        call.outcome = call.recorded_at = call.ended_at = call.ending = None
        call.reached = call.conversation = call.yes = call.counted = call.too_fast = False
        db.session.flush()

    def recount(self) -> tuple[int, int, int, int]:
        """Calls, reached, conversations and yeses of the party, counted from the calls."""
        counted = select(
            func.count(),
            func.count().filter(Call.reached),
            func.count().filter(Call.conversation),
            func.count().filter(Call.yes),
        ).where(Call.party_id == self.party.id, Call.counted)
        calls, reached, conversations, yeses = db.session.execute(counted).one()
        return calls, reached, conversations, yeses

    def _tally(self, call: Call, sign: int) -> None:
        totals.add(
            call.campaign_id,
            call.party_id,
            call.caller_id,
            call.recorded_at,
            calls=sign,
            reached=sign * call.reached,
            conversations=sign * call.conversation,
            yeses=sign * call.yes,
            ranked=sign * (call.conversation and not call.too_fast),
        )
        db.session.flush()


def open_room(**values: object) -> Room:
    """A party in a running campaign, with a host and a list."""
    campaign = create_campaign()
    host = create_account("host")
    campaign.hosts.append(host)
    party = create_party(campaign, host, **values)
    return Room(campaign, create_list(campaign), host, party)


def secret_contact(room: Room) -> Contact:
    """Make a contact whose name and number are easy to find in a payload or page."""
    return create_contact(
        room.contact_list,
        first_name=SECRET_NAME,
        last_name=SECRET_LAST_NAME,
        phone=SECRET_PHONE,
        phone_original="020 7946 0931",
    )


def gives_away_the_contact(text: str) -> bool:
    """Whether the secret contact can be found in a payload or page."""
    digits = "".join(letter for letter in text if letter.isdigit())
    return SECRET_NAME in text or SECRET_LAST_NAME in text or "2079460931" in digits


def party_with(room: Room, title: str, conversations: int, too_fast: int = 0) -> None:
    """Another party of the room's campaign and host, with this many conversations, and others that
    were recorded too fast."""
    party = create_party(room.campaign, room.host, title=title)
    here = Room(room.campaign, room.contact_list, room.host, party)
    caller = here.join("Sam")
    here.record(caller)
    for number in range(conversations + too_fast):
        here.record(caller, conversation=True, too_fast=number >= conversations)
