"""A phone bank in the middle of an evening, and an address for every page of it.

It serves the tests that check every page. They fail for a new page until it is in ADDRESSES, or in
LEFT_OUT with the reason.
"""

import io
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import time, timedelta
from typing import Any

from flask import Flask, current_app
from sqlalchemy import select

from phonebank.accounts.roles import Scope, give_role
from phonebank.accounts.sign_in_mail import sign_in_link
from phonebank.callouts import call_outs, pledges, sheets, sign_ups
from phonebank.callouts.areas import Area
from phonebank.callouts.sign_ups import Reach
from phonebank.calls.answers import save_answer
from phonebank.calls.claim import claim
from phonebank.calls.record import record
from phonebank.campaigns.chapters import create_chapter
from phonebank.core.config import current_config
from phonebank.core.db import db
from phonebank.csv_input.rows import Dialect
from phonebank.experiments import services as experiments
from phonebank.inbox.jobs import read_marked_answers
from phonebank.listings import checks, guests, listings, offers, still_right
from phonebank.listings.stale import versions_of
from phonebank.lists.uploads import store_upload
from phonebank.models import (
    Account,
    Call,
    Caller,
    CallerState,
    CallOut,
    Campaign,
    CampaignState,
    Contact,
    DeliveryState,
    Experiment,
    Guest,
    HostOffer,
    Listing,
    ListingKind,
    ListState,
    Party,
    Place,
    RoleName,
    SetAside,
    SetAsideState,
    SignUp,
    SuppressionOrigin,
    Training,
    Webhook,
    WebhookDelivery,
    WebhookEvent,
    now,
)
from phonebank.models.contact_list import ContactList, RefusedRow
from phonebank.movement.hall_views import SIGN_UP_KEY
from phonebank.parties import services as parties
from phonebank.roster.pace import A_MINUTE, flag
from phonebank.scripts import campaign_scripts, drafts
from phonebank.suppressions.entries import suppress
from phonebank.suppressions.files import store_file
from phonebank.told_changes import decide
from phonebank.told_changes.tell import tell
from phonebank.trainings.marks import give_mark, mark_of
from phonebank.trainings.rooms import come_in, open_room
from phonebank.volunteers.confirm import create_confirmation
from phonebank.volunteers.consents import give
from phonebank.volunteers.roles import name_editor, name_trainer
from phonebank.volunteers.volunteers import COOKIE_KEY, cookie_for, find_or_create, keep_calls
from scripts_library.library import source_of
from tests.factories import (
    create_account,
    create_caller,
    create_campaign,
    create_contact,
    create_list,
    create_party,
)
from tests.signing_in import session_cookie, signed_in
from tests.some_places import ensure_places

# Where the party is, which only its host and accepted guests may read. Easy to find in a page.
STREET, POSTCODE = "14 Quincewort Row", "SW9 8QX"

# The outcomes that callers record in turn: some of everything that charts and tables show.
OUTCOMES = ("no_answer", "answerphone", "no_answer", "talked", "busy", "refused", "no_answer",
            "talked", "call_back", "wrong_number", "no_answer", "do_not_call")  # fmt: skip

# A file with columns to guess, some of them doubtful, and with rows that are refused.
FILE = b"""Member No,First Name,Surname,Phone,Postcode,Ward,Ward
1001,Bela,Specimen,020 7946 0901,CF10 1EP,Riverside,7
1002,Cara,Sample,020 7946 0902,EH1 1YZ,Riverside,
1003,,,ex-directory,,Hillside,9
"""


@dataclass
class Evening:
    """The ids and secrets that addresses are made of."""

    campaign_id: int
    draft_campaign_id: int
    chapter_id: int
    party_id: int
    ended_party_id: int
    lists: dict[str, int]
    script_id: int
    unpublished_script_id: int
    experiment_id: int
    wishes_file_id: int
    accounts: dict[str, int]
    callers: dict[str, int]
    code: str
    board_token: str
    summary_token: str
    join_token: str
    open_call_id: uuid.UUID
    talked_call_id: uuid.UUID
    talked_contact_id: int
    keep_token: str
    mark_token: str
    listing_id: int
    guest_token: str
    offer_token: str
    still_right_token: str
    training_id: int
    training_code: str
    call_out_id: int
    hall_code: str
    projector_token: str
    remote_token: str
    sheet_token: str
    # Paths of unused sign-in links.
    links: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, dict[str, Any]] = field(default_factory=dict)


def begin_evening(person: dict[str, Any] | None = None) -> Evening:
    """Fill the empty database, and commit. `person` has the values of Sam's contact."""
    organiser = create_account(RoleName.ORGANISER, name="Ada Lovelace", email="ada@example.org")
    host = create_account(RoleName.HOST, name="Hari", email="hari@example.org")
    other_host = create_account(RoleName.HOST, name="Olu", email="olu@example.org")
    create_account(RoleName.HOST, name="Gwen", email="gwen@example.org").active = False
    secured = create_account(RoleName.ORGANISER, name="Otto", email="otto@example.org")
    secured.tf_primary_method = "authenticator"
    datastore = current_app.extensions["security"].datastore
    datastore.tf_set(secured, "authenticator", totp_secret=_totp_secret())
    campaign = create_campaign(
        name="Riverside by-election",
        on_behalf_of="the Riverside Neighbours campaign",
        briefing="We call people who **have not decided** yet.\n\n- Be kind.\n- Listen.\n",
        merge_values={"candidate": "Jo Marsh", "our_promise": "cap bus fares"},
        hosts=[host],
    )
    chapter = create_chapter("Hillside", organiser)
    draft = create_campaign(
        name="Hillside school places", state=CampaignState.DRAFT, chapter_id=chapter.id
    )
    local = create_account(name="Lena", email="lena@example.org")
    give_role(local, RoleName.ORGANISER, Scope(chapter_id=chapter.id), organiser)
    viewer = create_account(name="Vera", email="vera@example.org")
    give_role(viewer, RoleName.VIEWER, Scope(campaign_id=campaign.id), organiser)
    create_campaign(name="Last spring’s campaign", state=CampaignState.PAUSED)
    script = campaign_scripts.use_ready_made(campaign, "persuasive-conversation", "en", organiser)
    second = source_of("persuasive-conversation", "en").replace("Hello,", "Good evening,", 1)
    second += "\nneeds_action:\n  opening: [speaking]\ntags:\n  opening: {speaking: answers}\n"
    second += "text_message: Thank you!\n"
    drafts.save_draft(script, second)
    drafts.publish_draft(campaign, script, organiser)
    drafts.save_draft(script, second.replace("Good evening,", "Hello there,", 1))
    unpublished = campaign_scripts.start_blank(campaign)
    db.session.flush()
    experiment = _experiment(campaign)
    lists = _lists(campaign, organiser)
    party = parties.create_party(
        host, campaign.id, "Tuesday night at Hari’s", 20, None, "Europe/London", False
    )
    ended = create_party(campaign, host, title="Sunday afternoon")
    parties.end_party(ended)
    db.session.commit()
    listing, guest = _event(host, party)
    callers, call_id = _people_ringing(campaign, party, lists["ready"], person or {}, organiser)
    suppress("+442079460999", SuppressionOrigin.ORGANISER, "asked", account_id=organiser.id)
    _webhook(campaign)
    wishes = b"Member ID,Name,Phone\n1234567890,Ada Example,020 7946 0700\n2,Bo,none\n"
    wishes_file = store_file(wishes, "wishes.csv", "GB", "asked", organiser.id)
    db.session.commit()
    talked = db.session.scalars(
        select(Call).where(Call.campaign_id == campaign.id, Call.outcome == "talked")
    ).all()[0]
    call_out, in_hall = _call_out(campaign, organiser)
    room = _training(campaign, organiser, callers)
    callers["Priya"].practised_at = now()
    give_mark(callers["Priya"], host)
    mark = mark_of(callers["Priya"])
    assert mark is not None
    evening = Evening(
        campaign_id=campaign.id,
        draft_campaign_id=draft.id,
        chapter_id=chapter.id,
        party_id=party.id,
        ended_party_id=ended.id,
        lists=lists,
        script_id=script.id,
        unpublished_script_id=unpublished.id,
        experiment_id=experiment.id,
        wishes_file_id=wishes_file.id,
        accounts={
            "organiser": organiser.id,
            "host": host.id,
            "other host": other_host.id,
            "organiser with app": secured.id,
            "chapter organiser": local.id,
            "viewer": viewer.id,
        },
        callers={name: caller.id for name, caller in callers.items()},
        code=party.code,
        board_token=party.board_token,
        summary_token=ended.summary_token,
        join_token=campaign.join_token,
        open_call_id=call_id,
        talked_call_id=talked.id,
        talked_contact_id=talked.contact_id,
        keep_token=create_confirmation("priya@example.org", "Priya", callers["Priya"]),
        listing_id=listing.id,
        guest_token=guest.token,
        offer_token=_offer(campaign).token,
        still_right_token=still_right.token_for(listing),
        training_id=room.listing_id,
        training_code=room.code,
        mark_token=mark.token,
        call_out_id=call_out.id,
        hall_code=call_out.code,
        projector_token=call_out.projector_token,
        remote_token=call_out.remote_token,
        sheet_token=sheets.sheets_of(call_out)[0].token,
    )
    base_url = current_config().base_url
    for name, account_id in evening.accounts.items():
        account = db.session.get_one(Account, account_id)
        evening.cookies[name] = signed_in(account)
        evening.links[name] = sign_in_link(account).removeprefix(base_url)
    for name, caller in callers.items():
        evening.cookies[name] = {"caller": {"id": caller.id, "token": caller.device_token}}
    volunteer = find_or_create("sam@example.org", "Sam")
    keep_calls(volunteer, callers["Sam"])
    give(volunteer, campaign.id)
    evening.cookies["volunteer"] = {
        COOKIE_KEY: cookie_for(volunteer),
        SIGN_UP_KEY: str(in_hall.id),
    }
    db.session.commit()
    return evening


def _event(host: Account, party: Party) -> tuple[Listing, Guest]:
    """Put the party on the map. Gil comes to it, and Mia asks to."""
    ensure_places()
    place = db.session.scalars(select(Place).where(Place.code == "SW9")).one()
    details = listings.Details(
        False, place, f"{STREET}\nLondon {POSTCODE}", 12, True, ("en",), "Hari"
    )
    listing = listings.list_party(host, party, details)
    checks.approve(listing, versions_of([listing])[listing.id])
    for name in ("Mia", "Gil"):
        guest = guests.ask(listing, name, f"{name.lower()}@example.org")
        guests.confirm(guest)
    guests.let_come(listing, guest.id)
    db.session.commit()
    return listing, guest


def _offer(campaign: Campaign) -> HostOffer:
    """Vik offers to host a party in Manchester."""
    place = db.session.scalars(select(Place).where(Place.code == "M1")).one()
    day = now().date() + timedelta(days=9)
    offer = offers.make_offer(campaign, place, "Vik", "vik@example.org", day, time(19, 30))
    offers.confirm_offer(offer)
    return offer


def _training(campaign: Campaign, organiser: Account, callers: dict[str, Caller]) -> Training:
    """A training that begins in an hour. Sam and Tess may run it, and two callers are in it."""
    brixton = db.session.scalars(select(Place).where(Place.code == "SW9")).one()
    name_editor(campaign, "sam@example.org", "Sam", brixton, 30)
    name_trainer(campaign, "sam@example.org", "Sam")
    tess = name_trainer(campaign, "tess@example.org", "Tess")
    listing = listings.list_event(
        organiser,
        campaign,
        ListingKind.TRAINING,
        listings.Event("Learn to call", now() + timedelta(hours=1), "Europe/London"),
        listings.Details(False, brixton, f"The Hall\n{STREET}", 30, True, ("en",), "Tess"),
    )
    room = open_room(listing, tess)
    for name in ("Priya", "Sam"):
        come_in(room, name, callers[name])
    return room


def _call_out(campaign: Campaign, organiser: Account) -> tuple[CallOut, SignUp]:
    """A call-out in which two people have signed in and pledged, and one of them goes to the
    other's party. Return it with that one."""
    call_out = call_outs.create_call_out(
        campaign, organiser, "Riverside call-out", None, "Europe/London"
    )
    people = []
    for name, place, reach in (
        ("Olga", Area("GB", "SW9 (Brixton)", 51.47, -0.11), Reach(email="olga@example.org")),
        ("Theo", Area("GB", "M14 (Manchester)", 53.45, -2.22), Reach(phone="+442079460123")),
    ):
        person, _ = sign_ups.sign_up(call_out, uuid.uuid4(), name, reach, place)
        pledges.pledge(call_out, person, now() + timedelta(days=5), place, 8)
        people.append(person)
    host, guest = people
    pledge = pledges.pledge_of(host)
    assert pledge is not None
    pledges.take_seat(call_out, guest, pledge.id)
    sheets.create_sheets(call_out, 1)
    sheet = sheets.sheets_of(call_out)[0]
    sheets.enter_line(sheet, 1, sheets.Line("?", "?", "?"))
    return call_out, guest


def _experiment(campaign: Campaign) -> Experiment:
    """Make an experiment that compared two versions and was stopped. So everyone who is called
    hears the campaign's script."""
    versions = [
        words for words in experiments.available_arm_scripts(campaign) if words.script_version_id
    ]
    arms = [experiments.NewArm(words, 50) for words in versions]
    experiment = experiments.create_experiment(campaign, "Which greeting?", arms)
    experiments.start(campaign, experiment)
    experiments.stop(experiment)
    return experiment


def _lists(campaign: Campaign, organiser: Account) -> dict[str, int]:
    ready = create_list(campaign, rows_total=42, rows_read=42, rows_stored=40, rows_refused=2)
    ready.headers = ["First name", "Phone"]
    ready.dialect = asdict(Dialect("utf-8", ",", '"'))
    ready.finished_at = now()
    ready.created_by_id = organiser.id
    for row, number in ((7, "ex-directory"), (19, "020 7946")):
        db.session.add(
            RefusedRow(
                contact_list_id=ready.id,
                row_number=row,
                column="Phone",
                reason="no_number",
                message="This is not a phone number.",
                cells=["Somebody", number],
            )
        )
    uploaded = store_upload(campaign, organiser.id, "hillside members.csv", io.BytesIO(FILE))
    others = {
        "importing": create_list(
            campaign, state=ListState.IMPORTING, rows_total=9000, rows_read=4100
        ),
        "failed": create_list(
            campaign,
            state=ListState.FAILED,
            fault="This file has null characters, so it is damaged or it is not text. Save it "
            "again as “CSV UTF-8”.",
        ),
        "undone": create_list(campaign, state=ListState.UNDONE, rows_stored=3, finished_at=now()),
    }
    voted = store_upload(campaign, organiser.id, "voted.csv", io.BytesIO(FILE), "voted")
    named = {"ready": ready, "uploaded": uploaded, "take_out": voted, **others}
    return {name: contact_list.id for name, contact_list in named.items()}


def _people_ringing(
    campaign: Campaign, party: Party, list_id: int, person: dict[str, Any], organiser: Account
) -> tuple[dict[str, Caller], uuid.UUID]:
    contact_list = db.session.get_one(ContactList, list_id)
    callers = {
        name: create_caller(campaign, party, first_name=name, promised_at=now())
        for name in ("Sam", "Priya")
    }
    callers["Newcomer"] = create_caller(campaign, party, first_name="Newton")
    callers["Waiting"] = create_caller(
        campaign, party, first_name="Wendy", state=CallerState.WAITING
    )
    create_caller(campaign, party, first_name="Walter", state=CallerState.WAITING)
    create_caller(campaign, first_name="Winifred", state=CallerState.WAITING)
    no_one_left = create_campaign(name="Everyone called")
    callers["Idle"] = create_caller(no_one_left, first_name="Ida", promised_at=now())
    for _ in OUTCOMES:
        _contact(contact_list)
    db.session.commit()
    for turn, outcome in enumerate(OUTCOMES):
        caller = callers["Sam" if turn % 3 else "Priya"]
        call = claim(caller).call
        if outcome == "talked":
            for step_id, answer in (
                ("opening", "speaking"), ("introduction", "happy_to_talk"), ("rating_before", "5"),
                ("rating_why", "The buses"), ("issue", "health"),
            ):  # fmt: skip
                save_answer(caller, call.id, step_id, answer)
        record(caller, call.id, outcome)
        db.session.commit()
    db.session.commit()
    read_marked_answers()
    flag(callers["Priya"], A_MINUTE, 9, 8, now())
    db.session.add(
        SetAside(campaign_id=campaign.id, caller_id=callers["Sam"].id, state=SetAsideState.DONE)
    )
    # Only this contact may be called now, so Sam gets them.
    _contact(contact_list, **person)
    db.session.commit()
    hold = claim(callers["Sam"])
    db.session.commit()
    told = {"number": "020 7946 0950", "first_name": "Ana", "place": "Leeds"}
    tell(callers["Sam"], hold.call.id, told)
    decide.refuse(campaign, decide.undecided(campaign)[0].change.id, organiser)
    for _ in range(20):
        _contact(contact_list)
    db.session.commit()
    return callers, hold.call.id


def _webhook(campaign: Campaign) -> None:
    """A webhook with a delivery in each state."""
    url = "https://crm.example.org/phonebank"
    webhook = Webhook(campaign_id=campaign.id, url=url, events=[*WebhookEvent][:2], secret="x")
    db.session.add(webhook)
    db.session.flush()
    for state, fault in (
        (DeliveryState.DELIVERED, ""),
        (DeliveryState.FAILED, "It did not answer within 10 seconds."),
        (DeliveryState.WAITING, "It refused the request with the status 500."),
    ):
        db.session.add(
            WebhookDelivery(
                webhook_id=webhook.id,
                event=WebhookEvent.OUTCOME_RECORDED,
                events=[{"contact_id": 1}],
                state=state,
                attempts=2,
                fault=fault,
            )
        )


def _contact(contact_list: ContactList, **values: Any) -> Contact:
    defaults = {"last_name": "Okonkwo-Smythe", "fields": {"town": "Sheffield"}}
    return create_contact(contact_list, **(defaults | values))


def _totp_secret() -> str:
    return str(current_app.extensions["security"]._totp_factory.generate_totp_secret())


def cookie_of(app: Flask, session: dict[str, Any]) -> str:
    """The value of the session cookie that the app would set."""
    return session_cookie(app, session)


def endpoints(app: Flask) -> set[str]:
    """Return every endpoint that answers a GET request."""
    return {
        route.endpoint
        for route in app.url_map.iter_rules()
        if not route.build_only and "GET" in (route.methods or ())
    }


# Addresses -----------------------------------------------------------------------------------


def _campaign(rest: str = "") -> Callable[[Evening], str]:
    return lambda evening: f"/campaigns/{evening.campaign_id}{rest}"


def _script(rest: str = "") -> Callable[[Evening], str]:
    return lambda evening: f"/campaigns/{evening.campaign_id}/scripts/{evening.script_id}{rest}"


def _list(name: str, rest: str = "") -> Callable[[Evening], str]:
    return lambda evening: f"/campaigns/{evening.campaign_id}/lists/{evening.lists[name]}{rest}"


def _at(address: str) -> Callable[[Evening], str]:
    return lambda evening: address


# An address of each endpoint that answers a GET, of rows that exist.
ADDRESSES: dict[str, Callable[[Evening], str]] = {
    "accounts.account": _at("/account"),
    "accounts.front": _at("/"),
    "accounts.link_sent": _at("/sign-in/sent"),
    "accounts.mf_recovery": _at("/sign-in/lost-phone"),
    "accounts.mf_recovery_codes": _at("/account/recovery-codes"),
    "accounts.sign_in": _at("/sign-in"),
    "accounts.signed_in": _at("/signed-in"),
    "accounts.two_factor_setup": _at("/account/second-factor"),
    "accounts.two_factor_token_validation": _at("/sign-in/second-factor"),
    "accounts.use_link": _at("/sign-in/link/guessed"),
    "api.contact": lambda evening: f"/api/v1/contacts/{evening.talked_contact_id}",
    "api.contacts": _at("/api/v1/contacts"),
    "api.openapi": _at("/api/v1/openapi.json"),
    "api.outcomes": _at("/api/v1/outcomes"),
    "board.picture": lambda evening: f"/board/{evening.board_token}/picture.svg",
    "board.show": lambda evening: f"/board/{evening.board_token}",
    "callers.called_back": _at("/calling/called-back"),
    "callers.calling": _at("/calling"),
    "callers.guide": _at("/help"),
    "callers.join": _at("/join"),
    "callers.join_by_code": lambda evening: f"/join/{evening.code}",
    "callers.join_campaign": lambda evening: f"/c/{evening.join_token}",
    "callers.mine": _at("/calling/mine"),
    "callers.person": _at("/calling/person"),
    "callers.person_qr": _at("/calling/person/qr.svg"),
    "callers.phone": _at("/calling/phone"),
    "callers.phone_state_now": _at("/calling/phone/state"),
    "callers.practice": _at("/calling/practice"),
    "callers.told": _at("/calling/told"),
    "callers.wait": _at("/calling/wait"),
    "campaign_parties.index": _campaign("/parties"),
    "campaign_settings.index": _campaign("/settings"),
    "call_outs.index": _campaign("/call-outs"),
    "call_outs.new": _campaign("/call-outs/new"),
    "call_outs.paper": lambda e: f"/campaigns/{e.campaign_id}/call-outs/{e.call_out_id}/sheets",
    "call_outs.show": lambda e: f"/campaigns/{e.campaign_id}/call-outs/{e.call_out_id}",
    "answer_order.show": _campaign("/answer-order"),
    "answers.show": _campaign("/answers"),
    "campaigns.data_protection": _campaign("/data-protection"),
    "campaigns.edit": _campaign("/edit"),
    "campaigns.hours": _campaign("/hours"),
    "campaigns.index": _at("/campaigns"),
    "campaigns.new": _at("/campaigns/new"),
    "campaigns.show": _campaign(),
    "chapters.index": _at("/chapters"),
    "chapters.show": lambda evening: f"/chapters/{evening.chapter_id}",
    "correct.calls": lambda e: f"/campaigns/{e.campaign_id}/callers/{e.callers['Sam']}/calls",
    "correct.form": lambda e: f"/campaigns/{e.campaign_id}/calls/{e.talked_call_id}/correct",
    "evening.picture": lambda evening: f"/evening/{evening.summary_token}/picture.svg",
    "evening.show": lambda evening: f"/evening/{evening.summary_token}",
    "experiments.index": _campaign("/experiments"),
    "experiments.new": _campaign("/experiments/new"),
    "experiments.show": lambda evening: (
        f"/campaigns/{evening.campaign_id}/experiments/{evening.experiment_id}"
    ),
    "exports.file": _campaign("/downloads/1.csv"),
    "connections.index": _campaign("/connections"),
    "webhooks.index": _campaign("/connections/webhooks"),
    "webhooks.show": _campaign("/connections/webhooks/1"),
    "exports.index": _campaign("/downloads"),
    "exports.definitions": _campaign("/definitions.csv"),
    "exports.do_not_call": _at("/do-not-call.csv"),
    "guest.calendar": lambda evening: f"/guest/{evening.guest_token}/event.ics",
    "guest.show": lambda evening: f"/guest/{evening.guest_token}",
    "health.alive": _at("/healthz"),
    "health.ready": _at("/readyz"),
    "find.show": _at("/find"),
    "help.show": _at("/help/calling-rules"),
    "history.show": lambda evening: (
        f"/campaigns/{evening.campaign_id}/callers/{evening.callers['Sam']}/history"
    ),
    "listings.index": _campaign("/events"),
    "listings.new": _campaign("/events/new"),
    "listings.volunteer_roles": _campaign("/events/roles"),
    "lists.columns": _list("uploaded", "/columns"),
    "lists.history": _campaign("/lists"),
    "take_out.columns": lambda e: f"/campaigns/{e.campaign_id}/take-out/{e.lists['take_out']}",
    "tonight.index": _campaign("/tonight"),
    "take_out.new": _campaign("/take-out"),
    "lists.new": _campaign("/lists/new"),
    "lists.progress": _list("ready"),
    "lists.refused": _list("ready", "/refused.csv"),
    "person.show": lambda e: f"/campaigns/{e.campaign_id}/person/{e.talked_contact_id}",
    "machine_calls.day": _campaign("/machine-calls"),
    "machine_calls.file": _campaign("/machine-calls/2026-11-29.csv"),
    "machine_calls.simulate": _campaign("/machine-calls/simulate"),
    "pace.edit": _campaign("/pace"),
    "movement.certificate": lambda evening: f"/trained/{evening.mark_token}",
    "movement.hall": _at("/hall"),
    "movement.hall_host": lambda evening: f"/hall/{evening.hall_code}/host",
    "movement.hall_next": lambda evening: f"/hall/{evening.hall_code}/next",
    "movement.hall_parties": lambda evening: f"/hall/{evening.hall_code}/parties",
    "movement.hall_sign_up": lambda evening: f"/hall/{evening.hall_code}",
    "movement.event_checks": _at("/volunteer/checks"),
    "movement.link_sent": _at("/volunteer/sent"),
    "movement.mine": _at("/volunteer"),
    "movement.open_link": lambda evening: f"/volunteer/link/{evening.keep_token}",
    "movement.projector": lambda evening: f"/call-out/{evening.projector_token}",
    "movement.remote": lambda evening: f"/call-out/remote/{evening.remote_token}",
    "movement.sheet": lambda evening: f"/call-out/sheet/{evening.sheet_token}",
    "movement.run_training": lambda e: f"/volunteer/trainings/{e.training_id}",
    "movement.training_code": _at("/training"),
    "movement.training_room": lambda e: f"/training/{e.training_code}",
    "movement.sign_in": _at("/volunteer/sign-in"),
    "near.at_place": _at("/near/gb/SW9"),
    "near.event": lambda evening: f"/near/event/{evening.listing_id}",
    "near.front": _at("/near"),
    "near.in_country": _at("/near/gb"),
    "near.offer": _at("/near/gb/M1/host"),
    "near.report": lambda evening: f"/near/event/{evening.listing_id}/report",
    "near.ask_if_right": lambda evening: f"/near/still-right/{evening.still_right_token}",
    "near.show_offer": lambda evening: f"/near/offer/{evening.offer_token}",
    "near.tell_me": _at("/near/gb/M1/tell-me"),
    "parties.guest_list": lambda evening: f"/parties/{evening.party_id}/guests",
    "parties.kit": lambda evening: f"/parties/{evening.party_id}/kit",
    "parties.shares": lambda evening: f"/parties/{evening.party_id}/shares",
    "parties.calendar": lambda evening: f"/parties/{evening.party_id}/invitation.ics",
    "parties.callers_file": lambda evening: f"/parties/{evening.ended_party_id}/callers.csv",
    "parties.training": lambda evening: f"/parties/{evening.party_id}/training",
    "parties.mine": _at("/parties"),
    "parties.new": _at("/parties/new"),
    "parties.run": lambda evening: f"/parties/{evening.party_id}",
    "parties.summary": lambda evening: f"/parties/{evening.ended_party_id}/summary",
    "people.everybody": _at("/people"),
    "people.invite": _at("/people/invite"),
    "people.person": lambda evening: f"/people/{evening.accounts['host']}",
    "privacy.show": _campaign("/one-person"),
    "queue.standing": _campaign("/queue"),
    "records.audit": _campaign("/audit"),
    "records.audit_csv": _campaign("/audit.csv"),
    "records.ledger": _campaign("/access-ledger"),
    "records.ledger_csv": _campaign("/access-ledger.csv"),
    "records.whole_audit": _at("/audit"),
    "records.whole_audit_csv": _at("/audit.csv"),
    "retry_rules.edit": _campaign("/retry-rules"),
    "roster.index": _campaign("/callers"),
    "roster.show": lambda e: f"/campaigns/{e.campaign_id}/callers/{e.callers['Sam']}",
    "script_editor.edit": _script("/edit"),
    "scripts.as_text": _script("/text"),
    "scripts.download": _script("/script.yaml"),
    "scripts.choose": _script("/choose"),
    "scripts.index": _campaign("/scripts"),
    "scripts.publish": _script("/publish"),
    "scripts.read_ready_made": _campaign("/scripts/library/deep-canvass/cy"),
    "scripts.read_version": _script("/versions/1"),
    "scripts.show": _script(),
    "scripts.versions": _script("/versions"),
    "set_aside.look": lambda evening: (
        f"/campaigns/{evening.campaign_id}/callers/{evening.callers['Sam']}/set-aside"
    ),
    "set_aside.look_back": lambda evening: (
        f"/campaigns/{evening.campaign_id}/callers/{evening.callers['Sam']}/set-aside/1/bring-back"
    ),
    "suppression_files.show": lambda evening: f"/do-not-call/files/{evening.wishes_file_id}",
    "telephone.edit": _campaign("/telephone"),
    "suppressions.show": _at("/do-not-call"),
    "told_changes.index": _campaign("/told"),
    "inbox.index": _campaign("/inbox"),
    "inbox.show": _campaign("/inbox/1"),
}
LEFT_OUT = {"static": "files of the release, the same for everyone"}


def missing_addresses(app: Flask) -> set[str]:
    """Return the endpoints that answer a GET request and have no address here, and the addresses
    whose endpoint does not exist."""
    return endpoints(app) ^ (set(ADDRESSES) | set(LEFT_OUT))
