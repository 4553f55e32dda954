"""Organisers and hosts at work while everything is killed, several at once and on the same rows.

Each desk reads its rows, waits as a person before a form does, and presses the button. It must
notice whatever another desk did in between. This module notes nothing: the ledger knows what was
done, and `history` judges it. A refusal in words is as good as success.
"""

import io
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from flask import Flask, current_app
from redis.exceptions import RedisError
from sqlalchemy import Select, select, text
from sqlalchemy.exc import InterfaceError, OperationalError

from callers.joining import join
from phonebank.campaigns import services as campaigns
from phonebank.core.db import db
from phonebank.core.errors import PhonebankError
from phonebank.core.jobs import enqueue
from phonebank.lists import jobs as list_jobs
from phonebank.lists import services as lists
from phonebank.lists import undo as list_undo
from phonebank.lists import uploads
from phonebank.models import (
    Caller,
    CallerState,
    Campaign,
    CampaignState,
    ContactList,
    ListState,
    Party,
    PartyState,
    Script,
    SuppressionOrigin,
    now,
)
from phonebank.parties import participants
from phonebank.parties import services as parties
from phonebank.roster import filters
from phonebank.roster.admit import admit, set_door
from phonebank.roster.admit import admit_all as admit_everyone
from phonebank.roster.remove import remove, remove_anywhere
from phonebank.roster.rename import hide
from phonebank.scripts import drafts
from phonebank.suppressions import entries as suppressions
from tests.crash import invariants, world
from tests.crash.history import GUEST, HOST_OF
from tests.crash.ledger import act_as
from tests.crash.world import World

Row = TypeVar("Row")

# The errors of PostgreSQL and Redis while they are away.
AWAY = (OperationalError, InterfaceError, RedisError)

# Languages that callers are marked as speaking. Callers who name none call in the campaign's own.
LANGUAGES: tuple[list[str], ...] = ([], [], ["en", "cy"], ["cy"])
LANGUAGES_SHARES = (4, 2, 3, 1)
DAWDLES_AT_MOST = 0.15  # seconds
# Seconds for which something stays paused, locked or not callable.
STANDS_FOR = (1.8, 3.2)  # seconds
# The least number of parties that volunteers can still join.
PARTIES_LEFT = 3
IMPORTED_AT_ONCE = 40  # rows


class Desk:
    """One of the staff. `actions` maps the methods to their shares."""

    actions: dict[str, int]
    between = 0.5  # seconds between two actions, on average

    def __init__(self, world: World, dice: random.Random, done: Counter[str]) -> None:
        self.world, self.dice, self.done = world, dice, done

    def act(self) -> None:
        """Do one action. Raises the errors of PostgreSQL or Redis while they are away."""
        action = self.dice.choices(list(self.actions), list(self.actions.values()))[0]
        try:
            getattr(self, action)()
            db.session.commit()
        except PhonebankError:
            db.session.rollback()
            action += " refused"
        self.done[action.replace("_", " ")] += 1

    def act_named(self, actor: str) -> None:
        """Name the actor of this transaction, after the time that a form takes."""
        time.sleep(self.dice.uniform(0, DAWDLES_AT_MOST))
        act_as(actor)

    def overtaken(self, actor: str, action: Callable[[], object], other: str = "organiser") -> None:
        """Another actor does this and commits it, after this desk's read and before its press."""
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]

        def elsewhere() -> None:
            with app.app_context():
                act_as(other)
                action()
                db.session.commit()

        with ThreadPoolExecutor(max_workers=1) as at_another_desk:
            at_another_desk.submit(elsewhere).result()
        act_as(actor)

    def stand(self, change_back: Callable[[], None]) -> None:
        """Commit, leave the change in place for a while, and undo it for certain."""
        self.commit_then(change_back, after=self.dice.uniform(*STANDS_FOR))

    def commit_then(self, action: Callable[[], None], after: float = 0) -> None:
        """Commit, and do the action for certain so many seconds later. If PostgreSQL goes away
        during the commit, nobody knows whether it took effect, so the action is done then too."""
        try:
            db.session.commit()
            time.sleep(after)
        finally:
            do_for_certain(action)


class Organiser(Desk):
    """An organiser of the two campaigns that volunteers call for."""

    actions = {  # noqa: RUF012
        "pause": 2, "end": 1, "pause_list": 3, "change_hours": 2, "limit_caller": 12,
        "remove_caller": 3, "suppress_number": 5, "publish": 2, "import_list": 2,
        "undo_import": 2, "resume_import": 3, "resume_undone_import": 1,
        "admit_everyone": 4,
    }  # fmt: skip
    between = 0.8

    def pause(self) -> None:
        campaign = self._campaign()
        self.act_named("organiser")
        campaigns.change_state(campaign, "pause")
        self.stand(lambda: set_running(campaign.id))

    def end(self) -> None:
        campaign = self._campaign()
        self.act_named("organiser")
        campaigns.change_state(campaign, "end")
        self.stand(lambda: set_running(campaign.id))

    def pause_list(self) -> None:
        list_id = self.dice.choice(self.world.list_ids[self._campaign().id])
        self.act_named("organiser")
        lists.pause(db.session.get_one(ContactList, list_id))
        self.stand(lambda: lists.resume(db.session.get_one(ContactList, list_id)))

    def change_hours(self) -> None:
        campaign = db.session.get_one(Campaign, self.world.by_the_clock_id)
        self.act_named("organiser")
        start, end = self.world.opening
        campaign.hours = world.hours(start + 60, end)
        self.stand(self._usual_hours)

    def _usual_hours(self) -> None:
        campaign = db.session.get_one(Campaign, self.world.by_the_clock_id)
        campaign.hours = world.hours(*self.world.opening)

    def limit_caller(self) -> None:
        caller = some_caller(self.dice)
        campaign = db.session.get_one(Campaign, caller.campaign_id)
        listed = self.world.list_ids.get(campaign.id, [])
        chosen = self.dice.sample(listed, min(len(listed), self.dice.choice((0, 0, 1, 2))))
        self.act_named("organiser")
        filters.restrict_to_lists(campaign, caller, chosen)
        spoken = self.dice.choices(LANGUAGES, LANGUAGES_SHARES)[0]
        filters.set_languages(campaign, caller, spoken)

    def remove_caller(self) -> None:
        caller = some_caller(self.dice)
        campaign_id, party_id = caller.campaign_id, caller.party_id
        self.act_named("organiser")
        remove_anywhere(caller)
        self.commit_then(lambda: open_doors(campaign_id, party_id))

    def suppress_number(self) -> None:
        """Suppress the number of a contact who was just called or will be soon."""
        suppressions.suppress(
            invariants.some_number(self.dice.random()), SuppressionOrigin.ORGANISER
        )

    def publish(self) -> None:
        campaign = self._campaign()
        script = db.session.get_one(Script, campaign.script_id)
        self.act_named("organiser")
        words = f"Will you help us on day {self.dice.randint(1, 10**6)}?"
        drafts.save_draft(script, world.SCRIPT.replace("Will you help?", words))
        drafts.publish_draft(campaign, script, None)

    def import_list(self) -> None:
        """Import more people on numbers of the campaign's own, who join its households."""
        campaign = db.session.get_one(Campaign, self.world.any_hour_id)
        first = self.dice.randrange(len(self.world.numbers) - IMPORTED_AT_ONCE)
        rows = [
            f"Guest{self.dice.randrange(10**9)},Example,{number}"
            for number in self.world.numbers[first : first + IMPORTED_AT_ONCE]
        ]
        file = io.BytesIO("\n".join(["First name,Last name,Phone", *rows]).encode())
        self.act_named("organiser")
        contact_list = uploads.store_upload(campaign, None, "guests.csv", file)
        mapping = [guess.target for guess in uploads.guesses_of(contact_list)]
        lists.confirm(contact_list, "Guests", -1, mapping)
        db.session.commit()
        enqueue(list_jobs.import_list, contact_list.id)

    def undo_import(self) -> None:
        contact_list = self._import()
        self.act_named("organiser")
        list_undo.begin_undo(contact_list)
        db.session.commit()
        enqueue(list_jobs.undo_import, contact_list.id)

    def resume_import(self) -> None:
        """Pause an import and resume it, while another desk may undo it."""
        contact_list = self._import()
        self.act_named("organiser")
        if contact_list.removed:
            lists.resume(contact_list)
        else:
            lists.pause(contact_list)

    def resume_undone_import(self) -> None:
        contact_list = self._import()
        list_id = contact_list.id
        lists.pause(contact_list)
        db.session.commit()
        db.session.refresh(contact_list)
        self.overtaken(
            "organiser", lambda: list_undo.begin_undo(db.session.get_one(ContactList, list_id))
        )
        enqueue(list_jobs.undo_import, list_id)
        lists.resume(contact_list)

    def admit_everyone(self) -> None:
        campaign = self._campaign()
        set_door(campaign, True)

    def _campaign(self) -> Campaign:
        return db.session.get_one(Campaign, self.dice.choice(self.world.campaign_ids))

    def _import(self) -> ContactList:
        """One of the newest imports, as this desk has read it."""
        newest = db.session.scalars(
            select(ContactList)
            .where(
                ContactList.name == "Guests",
                ContactList.state.in_((ListState.READY, ListState.UNDONE)),
            )
            .order_by(ContactList.id.desc())
            .limit(4)
        ).all()
        return _one_of(newest, self.dice)


class Host(Desk):
    """A host of the parties that volunteers join."""

    between = 0.8
    actions = {  # noqa: RUF012
        "lock": 3, "take_break": 2, "end": 1, "close_door": 2, "admit_callers": 5,
        "remove_guest": 2, "rename_guest": 2, "hide_guest": 2,
    }  # fmt: skip

    def lock(self) -> None:
        party = self._party()
        parties.lock(party)
        self.stand(lambda: parties.unlock(db.session.get_one(Party, party.id)))

    def take_break(self) -> None:
        party = self._party()
        parties.start_break(party, self.dice.choice((None, 5)))
        self.stand(lambda: parties.end_break(db.session.get_one(Party, party.id)))

    def end(self) -> None:
        """End a party if enough parties are left. Its volunteers go to another."""
        running = select(Party.id).where(
            Party.id.in_(self.world.board_tokens), Party.state != PartyState.ENDED
        )
        if len(db.session.scalars(running).all()) > PARTIES_LEFT:
            parties.end_party(self._party())

    def close_door(self) -> None:
        party = self._party()
        set_door(party, False)
        self.stand(lambda: set_door(db.session.get_one(Party, party.id), True))

    def admit_callers(self) -> None:
        set_door(self._party(), True)

    def remove_guest(self) -> None:
        party = self._party(dawdle=False)
        caller = self._guest(party)
        self.act_named(f"{HOST_OF}{party.id}")
        remove(caller)
        self.commit_then(lambda: set_door(db.session.get_one(Party, party.id), True))

    def rename_guest(self) -> None:
        party = self._party(dawdle=False)
        caller = self._guest(party)
        self.act_named(f"{HOST_OF}{party.id}")
        participants.rename_caller(caller, self.dice.choice(("Ottilie", "Ulla", "Wilma")))

    def hide_guest(self) -> None:
        party = self._party(dawdle=False)
        caller = self._guest(party)
        self.act_named(f"{HOST_OF}{party.id}")
        hide(caller, not caller.hidden)

    def _party_ids(self) -> Sequence[int]:
        return list(self.world.board_tokens)

    def _party(self, dawdle: bool = True) -> Party:
        found = db.session.scalars(
            select(Party).where(Party.id.in_(self._party_ids()), Party.state != PartyState.ENDED)
        ).all()
        party = _one_of(found, self.dice)
        if dawdle:
            self.act_named(f"{HOST_OF}{party.id}")
        return party

    def _guest(self, party: Party, states: Sequence[str] = (CallerState.ADMITTED,)) -> Caller:
        found = db.session.scalars(
            select(Caller)
            .where(Caller.party_id == party.id, Caller.state.in_(states))
            .order_by(Caller.seen_at.desc().nulls_last())
            .limit(10)
        ).all()
        caller = _one_of(found, self.dice)
        return participants.caller_in(party, caller.id)


class SideHost(Host):
    """A host of two side parties, where nobody calls and every button is pressed at once. Their
    callers move between them."""

    between = 0.15
    actions = {  # noqa: RUF012
        "lock": 2, "unlock": 2, "end": 1, "admit": 6, "admit_all": 3, "remove_guest": 2,
        "rename_guest": 4, "hide_guest": 4, "shut": 3, "open": 2, "press": 6,
        "unlock_ended_party": 2, "resume_ended_campaign": 2, "rename_moved_caller": 2,
        "admit_removed_caller": 2,
    }  # fmt: skip

    def lock(self) -> None:
        parties.lock(self._party())

    def unlock(self) -> None:
        parties.unlock(self._party())

    def end(self) -> None:
        party = self._party()
        parties.end_party(party)
        db.session.commit()
        world.side_party(self.world)

    def admit(self) -> None:
        party = self._party(dawdle=False)
        caller = self._guest(party, (CallerState.WAITING,))
        self.act_named(f"{HOST_OF}{party.id}")
        admit([caller])

    def admit_all(self) -> None:
        admit_everyone(self._party())

    def remove_guest(self) -> None:
        party = self._party(dawdle=False)
        caller = self._guest(party)
        self.act_named(f"{HOST_OF}{party.id}")
        remove(caller)

    def shut(self) -> None:
        set_door(self._party(), False)

    def open(self) -> None:
        set_door(self._party(), True)

    def press(self) -> None:
        """Press whichever button the campaign's page shows."""
        campaign = db.session.get_one(Campaign, self.world.side_id)
        verb = self.dice.choice(list(campaigns.MOVES[campaign.state]))
        self.act_named("organiser")
        campaigns.change_state(campaign, verb)

    def unlock_ended_party(self) -> None:
        party = self._party(dawdle=False)
        party_id = party.id
        self.overtaken(
            f"{HOST_OF}{party_id}",
            lambda: parties.end_party(db.session.get_one(Party, party_id)),
        )
        world.side_party(self.world)
        parties.unlock(party)

    def resume_ended_campaign(self) -> None:
        set_running(self.world.side_id)
        campaign = db.session.get_one(Campaign, self.world.side_id)
        campaigns.change_state(campaign, "pause")
        db.session.commit()
        db.session.refresh(campaign)
        self.overtaken(
            "organiser",
            lambda: campaigns.change_state(db.session.get_one(Campaign, self.world.side_id), "end"),
        )
        campaigns.change_state(campaign, "resume")

    def rename_moved_caller(self) -> None:
        party = self._party(dawdle=False)
        caller = self._guest(party, (CallerState.WAITING, CallerState.ADMITTED))
        caller_id = caller.id
        other_id = [id_ for id_ in self._party_ids() if id_ != party.id][-1]
        parties.unlock(db.session.get_one(Party, other_id))
        db.session.commit()
        # Read the caller again: they may have moved to the other party by themselves.
        caller = participants.caller_in(party, caller_id)
        host = f"{HOST_OF}{party.id}"
        self.overtaken(host, lambda: move(self.world, caller_id, other_id), GUEST)
        participants.rename_caller(caller, "Ottilie")

    def admit_removed_caller(self) -> None:
        party = self._party(dawdle=False)
        caller = self._guest(party, (CallerState.WAITING,))
        caller_id = caller.id
        self.overtaken(
            f"{HOST_OF}{party.id}",
            lambda: remove_anywhere(db.session.get_one(Caller, caller_id)),
        )
        admit([caller])

    def _party_ids(self) -> Sequence[int]:
        return self.world.side_parties[-2:]


class Wanderer(Desk):
    """Callers of the side parties, who move from one to the other by the links, and an organiser
    who admits and removes them on the campaign's page."""

    between = 0.15
    actions = {"move": 10, "come": 4, "admit_callers": 4, "remove": 2}  # noqa: RUF012

    def move(self) -> None:
        """Move a caller of the side parties by the link of another of them."""
        caller = self._guest((CallerState.WAITING, CallerState.ADMITTED))
        self._join(caller)

    def come(self) -> None:
        if (
            len(db.session.scalars(self._guests((CallerState.WAITING, CallerState.ADMITTED))).all())
            < 12
        ):
            self._join(None)

    def admit_callers(self) -> None:
        caller = self._guest((CallerState.WAITING,))
        self.act_named("organiser")
        admit([caller], for_organiser=True)

    def remove(self) -> None:
        caller = self._guest((CallerState.WAITING, CallerState.ADMITTED))
        self.act_named("organiser")
        remove_anywhere(caller)

    def _join(self, caller: Caller | None) -> None:
        party = db.session.get_one(Party, self.dice.choice(self.world.side_parties[-2:]))
        campaign = db.session.get_one(Campaign, self.world.side_id)
        self.act_named(GUEST)
        join(campaign, party, "Wanda", caller)

    def _guests(self, states: Sequence[str]) -> Select[Caller]:
        return select(Caller).where(
            Caller.campaign_id == self.world.side_id, Caller.state.in_(states)
        )

    def _guest(self, states: Sequence[str]) -> Caller:
        return _one_of(db.session.scalars(self._guests(states)).all(), self.dice)


class SlowHand(Desk):
    """Keeps the rows of some callers locked for seconds, as a slow job may, so that claims and
    callers wait. Meanwhile something changes that they must notice when they go on."""

    actions = {"hold_up": 1}  # noqa: RUF012
    between = 4.0
    # Seconds. This is more than `history.ALLOWANCE` after the change, and less than pages wait for
    # a lock.
    HELD_UP_FOR = 4.0

    def hold_up(self) -> None:
        change, change_back, rows = self._change()
        try:
            with db.engine.begin() as other:
                other.execute(
                    text("SELECT id FROM caller WHERE id = ANY(:ids) ORDER BY id FOR UPDATE"),
                    {"ids": rows},
                )
                time.sleep(0.5)
                act_as("organiser")
                change()
                db.session.commit()
                time.sleep(self.HELD_UP_FOR - 0.5)
            time.sleep(0.5)
        finally:
            do_for_certain(change_back)

    def _change(self) -> tuple[Callable[[], None], Callable[[], None], list[int]]:
        """The change, how to undo it, and the callers who wait meanwhile."""
        caller = some_caller(self.dice)
        campaign_id, party_id = caller.campaign_id, caller.party_id
        others = select(Caller.id).where(
            Caller.campaign_id == campaign_id,
            Caller.state == CallerState.ADMITTED,
            Caller.seen_at <= now(),
        )
        if party_id is not None and self.dice.random() < 0.5:
            others = others.where(Caller.party_id == party_id)
        recent = others.order_by(Caller.seen_at.desc()).limit(12)
        rows = list(db.session.scalars(recent))
        kinds = ["pause", "take out"]
        kinds += ["party"] if party_id else []
        kinds += ["hours"] if campaign_id == self.world.by_the_clock_id else []
        kinds += ["door"]
        kind = self.dice.choice(kinds)
        if kind == "party":
            return (
                lambda: parties.start_break(db.session.get_one(Party, party_id)),
                lambda: parties.end_break(db.session.get_one(Party, party_id)),
                rows,
            )
        if kind == "take out":
            list_ids = self.world.list_ids[campaign_id]
            return (
                lambda: _each(lists.pause, list_ids),
                lambda: _each(lists.resume, list_ids),
                rows,
            )
        if kind == "hours":
            start, end = self.world.opening
            return (
                lambda: _set_hours(campaign_id, end - 40, end),
                lambda: _set_hours(campaign_id, start, end),
                rows,
            )
        if kind == "door":
            beside = select(Caller.id).where(
                Caller.campaign_id == self.world.side_id, Caller.state != CallerState.REMOVED
            )
            side = self.world.side_parties[-2:]
            return (
                lambda: _shut(side),
                lambda: None,
                list(db.session.scalars(beside)),
            )
        return (
            lambda: campaigns.change_state(db.session.get_one(Campaign, campaign_id), "pause"),
            lambda: set_running(campaign_id),
            rows,
        )


def do_for_certain(action: Callable[[], None]) -> None:
    """Do the action and commit, however often PostgreSQL or Redis is away. A refusal in words
    counts as success."""
    while True:
        try:
            db.session.rollback()
            action()
            db.session.commit()
            return
        except PhonebankError:
            db.session.rollback()
            return
        except AWAY:
            time.sleep(0.2)


def allow_everything(world: World) -> None:
    """Let everyone call everyone again. Commits."""
    for campaign_id in world.campaign_ids:
        set_running(campaign_id)
        open_doors(campaign_id, None)
        for list_id in world.list_ids[campaign_id]:
            lists.resume(db.session.get_one(ContactList, list_id))
    for party_id in world.board_tokens:
        party = db.session.get_one(Party, party_id)
        if party.state != PartyState.ENDED:
            parties.unlock(party)
            parties.end_break(party)
            set_door(party, True)
    _set_hours(world.by_the_clock_id, *world.opening)
    db.session.commit()


def set_running(campaign_id: int) -> None:
    """Reopen and resume a campaign, as its page would."""
    campaign = db.session.get_one(Campaign, campaign_id, populate_existing=True)
    if campaign.state == CampaignState.ENDED:
        campaigns.change_state(campaign, "reopen")
        db.session.flush()
    if campaign.state == CampaignState.PAUSED:
        campaigns.change_state(campaign, "resume")


def open_doors(campaign_id: int, party_id: int | None) -> None:
    """Open the doors that removals shut, so that another caller can join."""
    set_door(db.session.get_one(Campaign, campaign_id), True)
    if party_id is not None:
        set_door(db.session.get_one(Party, party_id), True)


def move(world: World, caller_id: int, party_id: int) -> None:
    """Let a caller of one side party join another by its link."""
    caller = db.session.get_one(Caller, caller_id)
    campaign = db.session.get_one(Campaign, world.side_id)
    join(campaign, db.session.get_one(Party, party_id), caller.first_name, caller)


def some_caller(dice: random.Random) -> Caller:
    """One of the callers who were here last. Raises NobodyThereError."""
    recent = db.session.scalars(
        select(Caller)
        .where(
            Caller.state == CallerState.ADMITTED,
            Caller.promised_at.is_not(None),
            Caller.seen_at <= now(),
        )
        .order_by(Caller.seen_at.desc())
        .limit(40)
    ).all()
    return _one_of(recent, dice)


class NobodyThereError(PhonebankError):
    """There is nothing that this action could change now."""

    status = 404
    title = "Nobody there"


def _one_of(rows: Sequence[Row], dice: random.Random) -> Row:
    if not rows:
        raise NobodyThereError("There is no one now.", "Try again.")
    return dice.choice(rows)


def _each(verb: Callable[[ContactList], None], list_ids: Sequence[int]) -> None:
    for list_id in sorted(list_ids):
        verb(db.session.get_one(ContactList, list_id))


def _shut(party_ids: Sequence[int]) -> None:
    for party_id in sorted(party_ids):
        set_door(db.session.get_one(Party, party_id), False)


def _set_hours(campaign_id: int, start: int, end: int) -> None:
    db.session.get_one(Campaign, campaign_id).hours = world.hours(start, end)
