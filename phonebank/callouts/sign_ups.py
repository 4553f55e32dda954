"""Sign people in at a call-out, and find the caller for their practice calls. The functions of this
module do not commit."""

import uuid
from dataclasses import dataclass

from sqlalchemy import delete, func, select

from phonebank.callouts.areas import Area
from phonebank.callouts.board import begin_change, show_change
from phonebank.core.db import db
from phonebank.core.email_address import normalise_email
from phonebank.core.errors import ConflictError, InvalidInputError, TooManyRequestsError
from phonebank.models import Caller, CallerState, CallOut, Campaign, Pledge, SignUp
from phonebank.parties.display_names import clean_name
from phonebank.parties.profanity import refuse_bad_words
from phonebank.phones.e164 import InvalidPhoneNumberError, read_number

# The largest hall holds fewer people than this.
SIGN_UPS_AT_MOST = 5000


@dataclass(frozen=True)
class Reach:
    """How a person can be reached: by an e-mail address or by a phone number."""

    email: str | None = None
    phone: str | None = None


def read_reach(text: str, campaign: Campaign) -> Reach:
    """Return the e-mail address or the phone number that somebody typed into one field.

    Raises InvalidInputError if the text is neither of the two.
    """
    text = text.strip()
    if not text:
        raise InvalidInputError("Type your e-mail address or your phone number.")
    if "@" in text:
        return Reach(email=normalise_email(text))
    try:
        return Reach(phone=read_number(text, campaign.country, campaign.allow_drama_numbers))
    except InvalidPhoneNumberError:
        raise InvalidInputError(
            "That's neither an e-mail address nor a phone number.",
            "Type it like this: name@example.org, or a number with its area code.",
        ) from None


def clean_first_name(text: str) -> str:
    """Return the first name without unnecessary spaces. Raises InvalidInputError if the name is
    empty, is too long, or must not be shown on a projector."""
    name = clean_name(text)
    refuse_bad_words(name)
    return name


def sign_up(
    call_out: CallOut, sign_up_id: uuid.UUID, first_name: str, reach: Reach, area: Area
) -> tuple[SignUp, bool]:
    """Sign a person in, and return their sign-up and whether it is new.

    If this call-out already has a sign-up with the id `sign_up_id`, the same form was sent again,
    and nothing changes. If this call-out already has the e-mail address or phone number, the same
    person signs in again: their name and area are replaced. In both cases the person is counted
    once. Raises TooManyRequestsError for a new person if SIGN_UPS_AT_MOST people have signed in.
    """
    begin_change(call_out)
    again = db.session.get(SignUp, sign_up_id)
    if again is not None and again.call_out_id == call_out.id:
        return again, False
    known = with_reach(call_out, reach)
    if known is not None:
        known.first_name = first_name
        _place(known, area)
        show_change(call_out)
        return known, False
    count = db.session.scalar(
        select(func.count()).select_from(SignUp).where(SignUp.call_out_id == call_out.id)
    )
    if (count or 0) >= SIGN_UPS_AT_MOST:
        raise TooManyRequestsError("This call-out is full.", "Tell the organiser.")
    new = SignUp(
        id=sign_up_id if again is None else uuid.uuid4(),
        call_out_id=call_out.id,
        first_name=first_name,
        email=reach.email,
        phone=reach.phone,
    )
    _place(new, area)
    db.session.add(new)
    show_change(call_out)
    return new, True


def with_reach(call_out: CallOut, reach: Reach) -> SignUp | None:
    """Return the call-out's sign-up with this e-mail address or phone number, or None."""
    is_known = SignUp.email == reach.email if reach.email else SignUp.phone == reach.phone
    return db.session.scalar(select(SignUp).where(SignUp.call_out_id == call_out.id, is_known))


def sign_up_of(call_out: CallOut, known: object) -> SignUp | None:
    """Return the sign-up of the person who uses this device. Return None if the call-out has no
    such sign-up. `known` is what the device's session cookie has as the sign-up's id."""
    try:
        sign_up_id = uuid.UUID(str(known))
    except ValueError:
        return None
    found = db.session.get(SignUp, sign_up_id)
    return found if found is not None and found.call_out_id == call_out.id else None


def practise(call_out: CallOut, person: SignUp, known: Caller | None = None) -> Caller:
    """Return the caller for this person's practice calls. If the person has practised before in
    this call-out, return the same caller. Otherwise, if `known` (the caller who uses this device)
    belongs to the call-out's campaign, return `known`. In all other cases, return a new caller, who
    waits until an organiser admits them."""
    begin_change(call_out)
    caller = db.session.get(Caller, person.caller_id) if person.caller_id else None
    if caller is None:
        caller = known if known is not None and known.campaign_id == call_out.campaign_id else None
    if caller is None:
        caller = Caller(
            campaign_id=call_out.campaign_id,
            first_name=person.first_name,
            state=CallerState.WAITING,
        )
        db.session.add(caller)
        db.session.flush()
    if person.caller_id != caller.id:
        person.caller_id = caller.id
        show_change(call_out)
    return caller


def _place(person: SignUp, area: Area) -> None:
    person.country, person.area = area.country, area.area
    person.latitude, person.longitude = area.latitude, area.longitude


def remove(call_out: CallOut, sign_up_id: uuid.UUID) -> None:
    """Delete a sign-up, with the person's pledge and the places that they took. Raises
    ConflictError if the pledge has already become a party."""
    begin_change(call_out)
    party = select(Pledge.party_id).where(Pledge.sign_up_id == sign_up_id)
    if db.session.scalar(party) is not None:
        raise ConflictError("Their party is set up already.", "Cancel it on its own page.")
    db.session.execute(
        delete(SignUp).where(SignUp.id == sign_up_id, SignUp.call_out_id == call_out.id)
    )
    show_change(call_out)
