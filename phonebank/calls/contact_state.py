"""What an outcome does to the person rung and to their household, and undoing it.

All of it within the transaction that records or undoes the call. `decision.decide` says what is to
become of them; here it is written down.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, func, or_, select, text, update
from sqlalchemy.exc import IntegrityError

from phonebank.contact_queue.campaign_hours import rules_of
from phonebank.core.db import db
from phonebank.models import Call, Campaign, Contact, ContactState
from phonebank.models.state import state_text
from phonebank.rules.calling_hours import contact_date, zones_in_key
from phonebank.rules.languages import UNKNOWN
from phonebank.rules.outcomes import NextState, outcome_of
from phonebank.rules.retry_policy import FAR_AWAY, Decision
from phonebank.suppressions.dead_numbers import dead_among, report, withdraw

# What an outcome may change in a contact, and so what undo puts back.
_CONTACT_STATE = (
    "state",
    "tried",
    "callable_at",
    "rested_at",
    "attempts",
    "attempts_that_day",
    "attempts_on",
    "last_outcome",
    "last_called_at",
    "callback_at",
    "callback_caller_id",
    "phone",
    "other_phones",
    "language",
)
# Beside these: the others on a number that was said to be dead, each with their further numbers.
_LOST_THE_NUMBER = "lost_the_number"
# And those left in peace for a while, each with when they could have been rung; in the same order,
# when each had rested; and until when. Apart, because an older release reads the first.
_RESTING, _HAD_RESTED, _REST_UNTIL = "resting", "had_rested", "rest_until"
# And how the outcome left the person, as far as others may change it: somebody else on the number
# is rung, or their list is uploaded anew. A change of hours moves `callable_at` alone.
_LEFT = "left"
_OTHERS_MAY_CHANGE = ("state", "phone", "other_phones", "rested_at")
# A family, not a switchboard.
OTHERS_AT_MOST = 100


# Statements are put together once: that takes longer than PostgreSQL needs to answer them.
_ON_THE_NUMBER = (
    Contact.phone == bindparam("number"),
    Contact.id != bindparam("rung"),
    Contact.state == ContactState.CALLABLE,
)
_OTHERS_ON_THE_NUMBER = (
    update(Contact).where(*_ON_THE_NUMBER).execution_options(synchronize_session=False)
)
_HAS_NO_OTHER = func.jsonb_array_length(Contact.other_phones) == 0
_OTHERS_UNUSABLE = (
    _OTHERS_ON_THE_NUMBER.where(_HAS_NO_OTHER)
    .values(state=ContactState.UNUSABLE)
    .returning(Contact.id)
)
# Each is moved on by itself.
_OTHERS_WITH_ANOTHER_NUMBER = (
    select(Contact)
    .where(*_ON_THE_NUMBER, ~_HAS_NO_OTHER)
    .order_by(Contact.id)
    .limit(OTHERS_AT_MOST)
    .with_for_update(key_share=True)
)
_NOT_RUNG_SINCE = (
    select(Contact)
    .where(
        Contact.id.in_(bindparam("ids", expanding=True)),
        or_(Contact.last_called_at.is_(None), Contact.last_called_at < bindparam("recorded_at")),
    )
    .order_by(Contact.id)
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
_ON_A_SCREEN = select(Call.contact_id).where(
    Call.contact_id.in_(bindparam("ids", expanding=True)), Call.ended_at.is_(None)
)
# One statement, which also tells what to put back: every outcome runs it. Near closing time two
# rests of different length end with the same opening, so the longer one is told by `rested_at`.
_OTHERS_REST = state_text(
    """
WITH others AS (
    SELECT id, callable_at, rested_at FROM contact
    WHERE phone = :number AND campaign_id = :campaign AND id <> :rung AND state = :callable
      AND (callable_at < :until OR callable_at = :until AND rested_at < :rested)
    ORDER BY id FOR NO KEY UPDATE
)
UPDATE contact SET callable_at = :until, rested_at = :rested
FROM others WHERE contact.id = others.id
RETURNING contact.id, others.callable_at, others.rested_at
""",
    callable=ContactState.CALLABLE,
)
# Whoever was given another time since keeps it.
_OTHERS_REST_NO_MORE = text("""
UPDATE contact SET callable_at = others.callable_at, rested_at = others.rested_at
FROM unnest(
    CAST(:ids AS bigint[]), CAST(:callable_at AS timestamptz[]), CAST(:rested_at AS timestamptz[])
) AS others(id, callable_at, rested_at)
WHERE contact.id = others.id AND contact.callable_at = CAST(:until AS timestamptz)
""")


def state_of(contact: Contact) -> dict[str, Any]:
    """What `restore` needs to put the person back where they stand now."""
    state = {name: getattr(contact, name) for name in _CONTACT_STATE}
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in state.items()
    }


def left_behind(contact: Contact) -> dict[str, Any]:
    """What `has_changed_since` needs, to be kept with what `state_of` said before the outcome."""
    left = {name: getattr(contact, name) for name in _OTHERS_MAY_CHANGE}
    left["rested_at"] = contact.rested_at and contact.rested_at.astimezone(UTC).isoformat()
    return {_LEFT: left}


def has_changed_since(contact: Contact, before: dict[str, Any]) -> bool:
    """Whether the person no longer stands as their outcome left them, so that to put back how they
    stood before it would undo what came of another call."""
    # An older call does not say.
    return _LEFT in before and before[_LEFT] != left_behind(contact)[_LEFT]


def move_contact(
    contact: Contact,
    call: Call,
    decision: Decision,
    outcome_key: str,
    at: datetime,
    only_me: bool,
    language: str,
) -> None:
    """Bring the person to where the decision puts them."""
    campaign = db.session.get_one(Campaign, call.campaign_id)
    today = contact_date(zones_in_key(contact.zone_key), at, rules_of(campaign))
    contact.last_outcome = outcome_key
    contact.last_called_at = at
    if decision.counted:
        contact.tried = True
        contact.attempts += 1
        contact.attempts_that_day = (
            contact.attempts_that_day + 1 if contact.attempts_on == today else 1
        )
        contact.attempts_on = today
    callable_at = decision.callable_at or at + FAR_AWAY
    contact.callback_at = callable_at if decision.promised else None
    if not decision.promised or not only_me:
        contact.callback_caller_id = None
    elif outcome_of(outcome_key).counts_as_attempt:
        contact.callback_caller_id = call.caller_id
    if decision.state == NextState.CALLABLE:
        contact.callable_at = callable_at
        contact.rested_at = decision.rested_at
    elif decision.state == NextState.UNUSABLE:
        # A late outcome may tell of a number that they have lost already.
        if contact.phone == call.phone:
            _take_next_number(contact)
    elif decision.state == NextState.FINISHED:
        contact.state = ContactState.FINISHED
    if decision.tag_language:
        _put_under_language(contact, language or UNKNOWN)


def rest_the_household(contact: Contact, call: Call, decision: Decision) -> dict[str, Any]:
    """Leave the others on the number in peace; a dead number is dead for everybody who has it, in
    every campaign and in later uploads.

    Returns what `wake_the_household` needs, to be kept with what `state_of` says.
    """
    others = {"number": call.phone, "rung": contact.id}
    if decision.number_dead:
        report(call.phone, call.id)
        lost: list[Any] = [(key, []) for key in db.session.scalars(_OTHERS_UNUSABLE, others)]
        for other in db.session.scalars(_OTHERS_WITH_ANOTHER_NUMBER, others).all():
            lost.append((other.id, list(other.other_phones)))
            _take_next_number(other)
        return {_LOST_THE_NUMBER: lost}
    until = decision.household_rest_until
    if until is None:
        return {}
    times = {"until": until, "rested": decision.household_rested_at}
    others["campaign"] = contact.campaign_id
    resting = db.session.execute(_OTHERS_REST, others | times).all()
    if not resting:
        return {}
    family = resting[:OTHERS_AT_MOST]
    return {
        _RESTING: [(row.id, row.callable_at.isoformat()) for row in family],
        _HAD_RESTED: [row.rested_at and row.rested_at.isoformat() for row in family],
        _REST_UNTIL: until.isoformat(),
    }


def stands_as(contact: Contact, state: dict[str, Any]) -> bool:
    """Whether the person still stands as `state_of` said then; a change of hours since is none."""
    return all(
        getattr(contact, name) == _as_column(name, state.get(name))
        for name in _CONTACT_STATE
        if name != "callable_at"
    )


def others_touched(before: dict[str, Any]) -> list[int]:
    """The ids of those in the household whom `rest_the_household` changed."""
    rested, lost = before.get(_RESTING, ()), before.get(_LOST_THE_NUMBER, ())
    return sorted({key for key, _ in [*rested, *lost]})


def restore(contact: Contact, before: dict[str, Any]) -> None:
    """Put the person back where they stood."""
    for name in _CONTACT_STATE:
        # An older call may lack the newest of them.
        setattr(contact, name, _as_column(name, before.get(name)))


def _as_column(name: str, value: Any) -> Any:
    """A value of `state_of` as the contact's column holds it."""
    python_type = Contact.__table__.c[name].type.python_type
    if value is not None and hasattr(python_type, "fromisoformat"):
        return python_type.fromisoformat(value)
    return value


def wake_the_household(call: Call, before: dict[str, Any]) -> None:
    """Put back what `rest_the_household` did to the others: their time, or the number they lost.

    Whoever has been rung on another number since, or is being rung on it, keeps that one; so does
    whoever lost another since.
    """
    if resting := before.get(_RESTING):
        ids, callable_at = map(list, zip(*resting, strict=True))
        # An older call lacks when they had rested.
        rested_at = before.get(_HAD_RESTED, [None] * len(ids))
        stood = {"ids": ids, "callable_at": callable_at, "rested_at": rested_at}
        db.session.execute(_OTHERS_REST_NO_MORE, stood | {"until": before[_REST_UNTIL]})
    withdraw(call.id)
    if lost := dict(before.get(_LOST_THE_NUMBER, ())):
        _give_the_number_back(call, lost)


def _give_the_number_back(call: Call, lost: dict[int, list[str]]) -> None:
    """Put those who lost the call's number on it again, each with their further numbers of before.

    Locked first, and asked about after that: whoever is being handed out this moment is on a screen
    by then, and the number on a screen stays.
    """
    which = {"ids": list(lost), "recorded_at": call.recorded_at}
    others = db.session.scalars(_NOT_RUNG_SINCE, which).all()
    on_a_screen = set(db.session.scalars(_ON_A_SCREEN, {"ids": list(lost)}))
    for other in others:
        further = lost[other.id]
        as_left = (other.state, [other.phone, *other.other_phones]) in (
            (ContactState.CALLABLE, further),
            (ContactState.UNUSABLE, [call.phone, *further]),
        )
        if as_left and other.id not in on_a_screen:
            # Or they stay as they are: uploaded again under that number, that row has it now.
            _put_on(other, call.phone, further)


def _put_under_language(contact: Contact, language: str) -> None:
    """Keep the person for callers who speak it, and let the queue know to look under it."""
    contact.language = language
    db.session.execute(
        text("""
            UPDATE contact_list SET languages = languages || to_jsonb(CAST(:language AS text))
            WHERE id = :list_id AND NOT jsonb_exists(languages, :language)
        """),
        {"language": language, "list_id": contact.contact_list_id},
    )


def _take_next_number(contact: Contact) -> None:
    """Go on with the person's next number that may be in service; none left: unusable.

    Also where that one is suppressed: it keeps them out of calling while it is on the list, and no
    longer.
    """
    dead = dead_among(contact.other_phones)
    following, *further = [phone for phone in contact.other_phones if phone not in dead] or [None]
    if following is None:
        contact.state = ContactState.UNUSABLE
        return
    if not _put_on(contact, following, further):
        contact.state = ContactState.UNUSABLE


def _put_on(contact: Contact, phone: str, further: list[str]) -> bool:
    """Have the person rung on this number from now on, and on the further ones after it. False, and
    nothing changed: the same person is in the campaign again under that number."""
    try:
        with db.session.begin_nested():
            contact.phone, contact.other_phones = phone, further
            contact.state = ContactState.CALLABLE
            db.session.flush()
    except IntegrityError:
        return False
    return True
