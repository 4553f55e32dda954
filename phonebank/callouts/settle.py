"""Follow up a call-out after it has ended. In a call-out that lets people become hosts, pledges by
people who gave an e-mail address become parties. Hosts get an e-mail with a link to the host's kit
(a page to print). People who took places are asked by e-mail to confirm them. A contact list is
made of people who pledged and gave a phone number. It has those whose pledge has no party, and
those who have not visited the site since the e-mail about their party. Each of these steps commits,
and does nothing if it was done before."""

import logging
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import ColumnElement, delete, exists, select, update

from phonebank.audit.record import record_audit
from phonebank.callouts.call_outs import end
from phonebank.core import mail
from phonebank.core.db import db
from phonebank.core.errors import PhonebankError
from phonebank.core.locks import get_locked
from phonebank.listings import guests
from phonebank.listings.listings import draft_party
from phonebank.listings.mails import confirm_message
from phonebank.lists.upsert import AT_ONCE, SentPerson, add_people
from phonebank.models import (
    Account,
    AccountSession,
    CallOut,
    CallOutSheet,
    Campaign,
    CampaignState,
    ContactList,
    GuestState,
    Listing,
    ListingState,
    ListState,
    Party,
    Place,
    Pledge,
    PledgeSeat,
    ScopedRole,
    SheetLine,
    SignUp,
    now,
)
from phonebank.parties.promises import keep_promise, send_kit
from phonebank.places.find import describe_place
from phonebank.rules.time_zones import time_zone
from phonebank.scripts.campaign_scripts import use_ready_made

log = logging.getLogger(__name__)

# If nobody ends a call-out, it ends this long after it began.
LASTS_AT_MOST = timedelta(hours=12)
# People are followed up from this time on the day after the call-out's end, in its time zone.
NEXT_MORNING = time(9)
SCRIPT = ("phone-party-recruitment", "en")
# The settings that the campaign for calling these people copies from the call-out's campaign: the
# organisation, the hours and rules, the limits of the callers' pace, and the data-protection
# statements. The way of calling is not copied, because calls through a telephone service need a
# shown number of the new campaign's own. The requirement of a trained mark is not copied either,
# because a mark counts only in the campaign that gave it.
COPIED = (
    "on_behalf_of",
    "country",
    "language",
    "chapter_id",
    "merge_values",
    "hours",
    "retry_rules",
    "hold_seconds",
    "hold_seconds_at_most",
    "people_an_hour",
    "people_a_minute",
    "no_calls_in_a_row",
    "unrecorded_an_hour",
    "do_not_calls_an_hour",
    "fast_do_not_calls_an_hour",
    "newcomers_people_an_hour",
    "practice_first",
    "shows_earlier_call",
    "allow_drama_numbers",
    "controller",
    "lawful_basis",
    "lawful_basis_note",
    "ends_on",
    "retention_days",
)

# Whether the host of a pledge's party has used the link to the kit, or has used the site while
# signed in, after the kit was sent.
_HAS_COME = exists().where(
    Party.id == Pledge.party_id,
    Account.id == Party.host_id,
    (Account.links_spent_until >= Pledge.kit_sent_at)
    | exists().where(
        AccountSession.account_id == Account.id, AccountSession.seen_at >= Pledge.kit_sent_at
    ),
)


def end_forgotten(at: datetime) -> None:
    """End call-outs that started more than LASTS_AT_MOST before `at` (aware). A call-out that has
    not started is not ended."""
    forgotten = select(CallOut.id).where(
        CallOut.ended_at.is_(None), CallOut.began_at < at - LASTS_AT_MOST
    )
    for call_out_id in db.session.scalars(forgotten).all():
        end(db.session.get_one(CallOut, call_out_id))
        db.session.commit()


def unsettled_pledges() -> Sequence[int]:
    """Return the ids of the pledges whose hosts must still get the e-mail with the link to their
    kit (a page to print). Only pledges from ended call-outs that let people become hosts are
    included, and only if the person who pledged gave an e-mail address."""
    return db.session.scalars(
        select(Pledge.id)
        .join(CallOut, CallOut.id == Pledge.call_out_id)
        .join(SignUp, SignUp.id == Pledge.sign_up_id)
        .where(
            CallOut.ended_at.is_not(None),
            CallOut.lets_host,
            Pledge.kit_sent_at.is_(None),
            SignUp.email.is_not(None),
        )
        .order_by(Pledge.id)
    ).all()


def settle(pledge_id: int) -> None:
    """Turn a pledge into a party. The person who pledged becomes the party's host, and gets an
    e-mail with a link to the host's kit (a page to print). If the pledge cannot become a party, for
    example because the person's account is deactivated, no e-mail is sent. Then the job does not
    try this pledge again.

    The party is stored before the e-mail is sent. If the mail server does not take the e-mail now,
    this function raises mail.MailNotSentError, and the next run of the job tries again. If the mail
    server refuses the address permanently, no error is raised, and the e-mail is not sent again.
    """
    pledge = get_locked(Pledge, pledge_id)
    if pledge is None or pledge.kit_sent_at is not None:
        db.session.rollback()
        return
    call_out = db.session.get_one(CallOut, pledge.call_out_id)
    if pledge.party_id is None:
        try:
            pledge.party_id = _make_party(call_out, pledge).id
        except PhonebankError as error:
            # For example, the person's account is deactivated. The organiser's page shows that this
            # pledge has no party.
            db.session.rollback()
            log.warning("pledge %s became no party: %s", pledge_id, type(error).__name__)
            db.session.get_one(Pledge, pledge_id).kit_sent_at = now()
            db.session.commit()
            return
        db.session.commit()
    try:
        _send_kit(call_out, pledge)
    except mail.AddressRefusedError:
        log.warning("pledge %s: the address of its host was refused", pledge_id)
    pledge.kit_sent_at = now()
    db.session.commit()


def _make_party(call_out: CallOut, pledge: Pledge) -> Party:
    person = pledge.sign_up
    by = db.session.get(Account, call_out.created_by_id) if call_out.created_by_id else None
    party = keep_promise(
        call_out.campaign,
        person.email or "",
        person.first_name,
        pledge.chairs,
        pledge.starts_at,
        call_out.time_zone,
        by,
    )
    place = _place_of(pledge)
    if place is not None:
        draft_party(party, person.first_name, place, pledge.chairs, ListingState.DRAFT)
    record_audit(
        "pledge became a party",
        account=None,
        campaign=call_out.campaign,
        subject_kind="party",
        subject_id=party.id,
    )
    return party


def _place_of(pledge: Pledge) -> Place | None:
    """Return the place that the pledge's area names, or None if the table of places no longer has
    this place."""
    query = select(Place).where(
        Place.country == pledge.country,
        Place.latitude == pledge.latitude,
        Place.longitude == pledge.longitude,
    )
    return next(
        (place for place in db.session.scalars(query) if describe_place(place) == pledge.area), None
    )


def uninvited_seats() -> Sequence[tuple[int, uuid.UUID]]:
    """Return the primary keys of the seats (`PledgeSeat`) for which `invite_seat` must still send
    an e-mail. A seat is a place that a person took at a pledged party. A seat is included only if
    the person gave an e-mail address. The party must also have a `Listing` that is not cancelled,
    and must start in the future."""
    rows = db.session.execute(
        select(PledgeSeat.pledge_id, PledgeSeat.sign_up_id)
        .join(Pledge, Pledge.id == PledgeSeat.pledge_id)
        .join(Listing, Listing.party_id == Pledge.party_id)
        .join(SignUp, SignUp.id == PledgeSeat.sign_up_id)
        .where(
            PledgeSeat.invited_at.is_(None),
            SignUp.email.is_not(None),
            Listing.state != ListingState.CANCELLED,
            Listing.starts_at > now(),
        )
        .order_by(PledgeSeat.pledge_id, PledgeSeat.created_at)
    )
    return [(row[0], row[1]) for row in rows]


def invite_seat(pledge_id: int, sign_up_id: uuid.UUID) -> None:
    """E-mail a person who took a place at a pledged party. The link in the e-mail leads to a page
    where the person can ask the host for the place, as every other guest does. No e-mail is sent if
    the party already has a guest with the person's e-mail address whose state is not NEW. For
    example, the person may have asked the host in another way.

    If the mail server does not take the e-mail now, this function raises mail.MailNotSentError, and
    the next run of the job tries again. If the mail server refuses the address permanently, no
    error is raised, and the e-mail is not sent again.
    """
    seat = db.session.get(
        PledgeSeat, (pledge_id, sign_up_id), with_for_update=True, populate_existing=True
    )
    if seat is None or seat.invited_at is not None:
        db.session.rollback()
        return
    person = db.session.get_one(SignUp, sign_up_id)
    pledge = db.session.get_one(Pledge, pledge_id)
    listing = db.session.scalars(select(Listing).where(Listing.party_id == pledge.party_id)).one()
    guest = guests.invite(listing, person.first_name, person.email or "")
    if guest.state == GuestState.NEW:
        try:
            mail.send_one(confirm_message(guest, listing))
        except mail.AddressRefusedError:
            log.warning("pledge %s: the address of a guest was refused", pledge_id)
    seat.invited_at = now()
    db.session.commit()


def _send_kit(call_out: CallOut, pledge: Pledge) -> None:
    send_kit(
        db.session.get_one(Party, pledge.party_id),
        pledge.sign_up.first_name,
        f"Thank you for your pledge at “{call_out.title}”.",
        f"{pledge.area}, {pledge.chairs} {'chair' if pledge.chairs == 1 else 'chairs'}",
        "parties.kit",
        "Open your party and print your kit:",
    )


def due_follow_ups(at: datetime) -> Sequence[int]:
    """Return the ids of the ended call-outs for which `follow_up` must run at the time `at`
    (aware). A call-out is due from NEXT_MORNING (in its own time zone) on the day after its end."""
    ended = select(CallOut).where(CallOut.ended_at.is_not(None), CallOut.followed_up_at.is_(None))
    return [
        call_out.id
        for call_out in db.session.scalars(ended).all()
        if call_out.ended_at is not None and at >= _morning_after(call_out.ended_at, call_out)
    ]


def _morning_after(ended_at: datetime, call_out: CallOut) -> datetime:
    zone = time_zone(call_out.time_zone)
    day = ended_at.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(day, NEXT_MORNING, zone).astimezone(UTC)


def follow_up(call_out_id: int) -> None:
    """Make a campaign with the recruitment script, and a contact list in it. Do so only if there is
    anybody to call and the call-out's campaign is not being erased. The list is for people who
    pledged and gave a phone number. It has those whose pledge has no party, and those who have not
    visited the site since the e-mail about their party. Anyone on the do-not-call list is left out.
    The new campaign is a draft until an organiser starts it."""
    call_out = get_locked(CallOut, call_out_id)
    if call_out is None or call_out.followed_up_at is not None:
        db.session.rollback()
        return
    call_out.followed_up_at = now()
    people = db.session.scalars(
        select(SignUp)
        .join(Pledge, Pledge.sign_up_id == SignUp.id)
        .where(Pledge.call_out_id == call_out.id, SignUp.phone.is_not(None), not_set_up())
        .order_by(Pledge.id)
    ).all()
    if people and call_out.campaign.erasing_since is None:
        _store_people(call_out, people)
    db.session.commit()


def pledges_not_set_up(call_out: CallOut) -> set[int]:
    """Return the ids of the call-out's pledges that are not set up. Such a pledge has no party, or
    its host has not visited the site since the e-mail about the party."""
    query = select(Pledge.id).where(Pledge.call_out_id == call_out.id, not_set_up())
    return set(db.session.scalars(query))


def not_set_up() -> ColumnElement[bool]:
    """Return the SQL condition that a pledge has no party, or that the party's host has not visited
    the site since the e-mail about the party. A host who has not been sent the e-mail yet also
    meets the condition."""
    return Pledge.party_id.is_(None) | ~_HAS_COME


def _store_people(call_out: CallOut, people: Sequence[SignUp]) -> None:
    campaign = _follow_up_campaign(call_out)
    contacts = ContactList(
        campaign_id=campaign.id,
        name=f"Pledged at {call_out.title}",
        filename="call-out",
        state=ListState.READY,
        created_by_id=call_out.created_by_id,
        screening_not_needed=True,
        screening_reason="They gave their number at the call-out, to be called about their pledge.",
    )
    db.session.add(contacts)
    db.session.flush()
    for start in range(0, len(people), AT_ONCE):
        sent = [
            SentPerson([person.phone or ""], {"first_name": person.first_name})
            for person in people[start : start + AT_ONCE]
        ]
        add_people(campaign, sent, lambda: contacts)
    call_out.follow_up_id = campaign.id


def _follow_up_campaign(call_out: CallOut) -> Campaign:
    """Return a new draft campaign, with the settings in COPIED copied from the call-out's campaign.
    If an account was given a role for the call-out's campaign alone, it gets the same role for the
    new campaign."""
    parent = call_out.campaign
    campaign = Campaign(
        name=f"Hosts of “{call_out.title}”"[:120],
        state=CampaignState.DRAFT,
        created_by_id=call_out.created_by_id,
        **{name: getattr(parent, name) for name in COPIED},
    )
    db.session.add(campaign)
    db.session.flush()
    _copy_roles(parent, campaign)
    use_ready_made(campaign, *SCRIPT, None)
    record_audit("campaign created", account=None, campaign=campaign)
    return campaign


def _copy_roles(parent: Campaign, campaign: Campaign) -> None:
    held = select(ScopedRole).where(ScopedRole.campaign_id == parent.id).order_by(ScopedRole.id)
    for role in db.session.scalars(held).all():
        db.session.add(
            ScopedRole(account_id=role.account_id, role=role.role, campaign_id=campaign.id)
        )
        record_audit(
            "role given",
            account=None,
            campaign=campaign,
            subject_kind="account",
            subject_id=role.account_id,
            after={"role": role.role, "where": f"campaign {campaign.id}"},
        )


def forget_sign_ups() -> None:
    """Delete the sign-ups and pledges of campaigns whose personal data is erased. Also delete the
    copies of this data in the lines of paper sheets. The calling code commits."""
    over = (
        select(CallOut.id)
        .join(Campaign, Campaign.id == CallOut.campaign_id)
        .where(Campaign.erasing_since.is_not(None))
    )
    sheets = select(CallOutSheet.id).where(CallOutSheet.call_out_id.in_(over))
    has_changes = SheetLine.sheet_id.in_(sheets), SheetLine.changes != {}
    db.session.execute(update(SheetLine).where(*has_changes).values(changes={}))
    db.session.execute(delete(SignUp).where(SignUp.call_out_id.in_(over)))
