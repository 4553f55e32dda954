"""Writes a text that tells one person what is stored about them. This module changes nothing."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Row, func, select

from phonebank.campaigns.data_protection import LAWFUL_BASES, kept_until
from phonebank.core.db import db
from phonebank.exports.answer_words import AnswerWords, key_of
from phonebank.exports.columns import merge_values, steps_asked
from phonebank.models import (
    Answer,
    Call,
    CallCorrection,
    CallSight,
    Campaign,
    Contact,
    ContactChange,
    ContactList,
    ContactSight,
    ContactTag,
    DeadNumber,
    InboxItem,
    RefusedRow,
    SightKind,
    Suppression,
    TextSent,
    ToldChange,
    now,
)
from phonebank.privacy.person import Person
from phonebank.privacy.stored_files import do_not_call_files_with, is_in_upload, stored_lists
from phonebank.rules.outcomes import outcome_of
from phonebank.suppressions.hashed_numbers import entry_of

SOURCES = {"call": "in a call", "list": "with a list", "organiser": "by an organiser"}
SIGHTS = {
    SightKind.FOUND: "among the results of a search",
    SightKind.OPENED: "on a page about you or one of your calls",
    SightKind.LISTED: "in the list of a volunteer's calls",
    SightKind.INBOX: "with an answer of yours that needs action",
    SightKind.TOLD: "with what you told a volunteer about yourself",
    SightKind.FILE: "in a file like this one",
}
# The columns of a contact that the text shows, in its order.
COLUMNS = {
    "first_name": "First name",
    "last_name": "Last name",
    "phone": "Number",
    "phone_original": "Number as it was in the file",
    "other_phones": "Further numbers",
    "email": "E-mail address",
    "postcode": "Postcode",
    "language": "Language",
    "external_id": "ID in the campaign's own list",
}


def subject_access_text(person: Person, contacts: Sequence[Contact]) -> str:
    """Return a text that says what is stored about a person: first in each campaign, then on the
    do-not-call list, and then in files. `contacts` are the person's contacts.

    Volunteers are not named, because the person may only read what is stored about themselves.
    """
    lines = ["What is stored about you", f"Made on {_moment(now())}.", ""]
    for contact in contacts:
        lines += [*_about(contact), ""]
    lines += [*_do_not_call(person), ""]
    lines += [*_in_files(person), ""]
    lines += [
        "Your rights",
        "You can ask to have this data corrected or erased, and not to be called again.",
    ]
    return "\n".join(lines) + "\n"


def _about(contact: Contact) -> Iterator[str]:
    campaign = db.session.get_one(Campaign, contact.campaign_id)
    yield f"== {campaign.name} =="
    yield f"Responsible for your data: {campaign.controller or campaign.on_behalf_of}"
    if campaign.lawful_basis:
        yield f"Legal ground: {LAWFUL_BASES.get(campaign.lawful_basis, campaign.lawful_basis)}"
    if campaign.lawful_basis_note:
        yield f"Why this ground applies: {campaign.lawful_basis_note}"
    until = kept_until(campaign)
    if until is not None:
        yield f"Kept until: {until.isoformat()}"
    contact_list = db.session.get_one(ContactList, contact.contact_list_id)
    yield f"It came from: the file {contact_list.filename}, on {_moment(contact_list.created_at)}"
    for column, label in COLUMNS.items():
        if value := getattr(contact, column):
            yield f"{label}: {', '.join(value) if isinstance(value, list) else value}"
    for name, value in contact.fields.items():
        yield f"{name}: {value}"
    yield from _tags(contact)
    yield from _earlier_values(contact)
    yield f"Time zone by which you are called: {contact.zone_key or 'not known'}"
    if contact.callback_at:
        yield f"A call back was promised for: {_moment(contact.callback_at)}"
    calls = db.session.scalars(
        select(Call).where(Call.contact_id == contact.id).order_by(Call.started_at)
    ).all()
    yield f"Calls: {len(calls)}"
    words = AnswerWords(campaign, steps_asked(campaign))
    named = {"first_name": contact.first_name, "last_name": contact.last_name, "caller_name": ""}
    for change in db.session.scalars(
        select(ToldChange).where(ToldChange.contact_id == contact.id).order_by(ToldChange.id)
    ):
        said = ", ".join(value for value in change.said.values() if value)
        yield f"You told a volunteer on {_moment(change.told_at)}: {said} ({change.state.value})"
    for call in calls:
        yield from _call(call, words, {**merge_texts(campaign), **named})
    yield from _sights(contact)


def _sights(contact: Contact) -> Iterator[str]:
    seen = db.session.execute(
        select(ContactSight.kind, func.count(), func.max(ContactSight.at))
        .where(ContactSight.contact_id == contact.id)
        .group_by(ContactSight.kind)
        .order_by(ContactSight.kind)
    )
    for kind, times, last in seen:
        where, often = SIGHTS[SightKind(kind)], "once" if times == 1 else f"{times} times"
        yield f"An organiser saw you {where}: {often}, last on {_moment(last)}."


def merge_texts(campaign: Campaign) -> dict[str, str]:
    """Return the campaign's values for the merge fields (placeholders) in its scripts, by the name
    of the field. Empty values are left out."""
    return {name: value for name, value in merge_values(campaign).items() if value}


def _tags(contact: Contact) -> Iterator[str]:
    query = select(ContactTag.tag).where(ContactTag.contact_id == contact.id).distinct()
    if tags := db.session.scalars(query.order_by(ContactTag.tag)).all():
        yield f"Tags: {', '.join(tags)}"


def _earlier_values(contact: Contact) -> Iterator[str]:
    """Yield a line for each value of the contact that an uploaded file has replaced. Such a value
    is stored so that an undo can restore it. Empty values are left out."""
    for change, filename in db.session.execute(
        select(ContactChange, ContactList.filename)
        .join(ContactList, ContactList.id == ContactChange.contact_list_id)
        .where(ContactChange.contact_id == contact.id)
        .order_by(ContactChange.contact_list_id)
    ):
        before = change.before
        now_in_fields = change.after.get("fields", {})
        replaced = {label: before.get(column) for column, label in COLUMNS.items()}
        replaced |= {
            name: value
            for name, value in before.get("fields", {}).items()
            if value != now_in_fields.get(name)
        }
        for label, value in replaced.items():
            if value:
                words = ", ".join(value) if isinstance(value, list) else value
                yield f"{label} until the file {filename} changed it: {words}"


def _after_call(call: Call) -> Iterator[str]:
    for item in db.session.scalars(select(InboxItem).where(InboxItem.call_id == call.id)):
        if item.note:
            yield f"  An organiser's note on an answer: {item.note}"
    sent = db.session.get(TextSent, call.id)
    if sent:
        yield f"  A volunteer sent you a text message on {_moment(sent.sent_at)}."


def _call(call: Call, words: AnswerWords, named: dict[str, str]) -> Iterator[str]:
    at = _moment(call.started_at)
    if call.caller_id is None:
        yield f"- {at}: the telephone service called you, and no volunteer took the call."
    else:
        yield f"- {at}: a volunteer had you on the screen, {_until(call)}."
    if call.phone:
        yield f"  Number: {call.phone}"
    outcome = outcome_of(call.outcome) if call.outcome else None
    yield f"  How it ended: {outcome.label if outcome else 'nothing was recorded'}"
    if call.set_aside_at:
        yield "  An organiser set this call aside. It is in no total."
    if call.note:
        yield f"  Note: {call.note}"
    version = str(call.script_version_id)
    for answer in db.session.scalars(
        select(Answer).where(Answer.call_id == call.id).order_by(Answer.answered_at)
    ):
        if answer.value is not None:
            said = words.words(version, answer.step_id, answer.value, named)
            yield f"  {words.title(version, answer.step_id)}: {said or key_of(answer.value)}"
    for correction in db.session.scalars(
        select(CallCorrection).where(CallCorrection.call_id == call.id).order_by(CallCorrection.id)
    ):
        yield f"  An organiser corrected this call on {_moment(correction.at)}. Before, it said:"
        yield from _before(correction, version, words, named)
    yield from _after_call(call)
    again = db.session.scalar(
        select(func.count()).select_from(CallSight).where(CallSight.call_id == call.id)
    )
    if again:
        often = "once" if again == 1 else f"{again} times"
        yield f"  The volunteer saw your first name again {often}, after a call back."


def _before(
    correction: CallCorrection, version: str, words: AnswerWords, named: dict[str, str]
) -> Iterator[str]:
    if was := correction.before.get("outcome"):
        yield f"    How it ended: {outcome_of(was).label}"
    if note := correction.before.get("note"):
        yield f"    Note: {note}"
    for step_id, value in correction.before.get("answers", {}).items():
        said = words.words(version, step_id, value, named)
        yield f"    {words.title(version, step_id)}: {said or key_of(value) or 'no answer'}"


def _do_not_call(person: Person) -> Iterator[str]:
    yield "== The do-not-call list =="
    for phone in person.phones:
        entry = db.session.get(Suppression, phone) or entry_of(phone)
        if entry is None:
            yield f"{phone} is not on it."
        else:
            how = SOURCES.get(entry.source, entry.source)
            yield f"{phone} is on it, since {_moment(entry.created_at)}, entered {how}."
        if dead := db.session.get(DeadNumber, phone):
            yield f"{phone} was not in service on {_moment(dead.reported_at)}."


def _in_files(person: Person) -> Iterator[str]:
    yield "== Files =="
    found = [*_refused(person)]
    for list_id in stored_lists(person):
        contact_list = db.session.get_one(ContactList, list_id)
        if is_in_upload(contact_list, person):
            found.append(
                f"You are in the file {contact_list.filename}, which we have not read yet."
            )
    found += [
        f"Your number is in the do-not-call file {filename}. Its numbers are not on the list yet."
        for filename in do_not_call_files_with(person)
    ]
    yield from found or ["You are in no other stored file."]


def _refused(person: Person) -> Iterator[str]:
    query: Sequence[Row[RefusedRow, str, str]] = db.session.execute(
        select(RefusedRow, ContactList.filename, Campaign.country)
        .join(ContactList, ContactList.id == RefusedRow.contact_list_id)
        .join(Campaign, Campaign.id == ContactList.campaign_id)
        .where(Campaign.id.in_(person.campaign_ids))
    ).all()
    for row, filename, country in query:
        cells = [str(cell) for cell in row.cells]
        if person.is_in(cells, country):
            yield f"Row {row.row_number} of {filename} was not used. It says: {' | '.join(cells)}"


def _until(call: Call) -> str:
    return f"until {_moment(call.ended_at)}" if call.ended_at else "and still has"


def _moment(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"
