"""The views with which a caller joins or leaves a party or a campaign. A caller joins with a code
or a link, gives a first name, and needs no account."""

from typing import Any

from flask import flash, g, jsonify, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import DataRequired, StopValidation

from callers import joining, sessions
from callers.sessions import caller_of_device, for_callers
from callers.views.blueprint import pages, read_fields
from callers.views.phone_page import OWN_NUMBER
from phonebank.contact_queue.holds import release_caller
from phonebank.core.access import ANYONE, open_to
from phonebank.core.attempt_limits import AttemptLimit
from phonebank.core.config import current_config
from phonebank.core.content_negotiation import wants_json
from phonebank.core.db import db, retry_on_deadlock
from phonebank.core.errors import (
    ConflictError,
    GoneError,
    InvalidInputError,
    NotFoundError,
    PhonebankError,
)
from phonebank.core.locks import lock_row
from phonebank.core.rate_limits import client_key
from phonebank.listings.guests import greet_at_door
from phonebank.models import Caller, CallerState, Campaign, Party
from phonebank.parties.codes import find_campaign_token, normalise_code
from phonebank.parties.services import party_by_code
from phonebank.roster.devices import end_session
from phonebank.telephony.sessions import end_session as end_phone_session
from phonebank.volunteers.volunteers import (
    COOKIE_KEY,
    keep_calls_of_device,
    volunteer_of_cookie,
)

# The limit counts wrong codes and links from one address. Right codes do not count, so thirty
# people in one living room can join through one router. At twenty tries a minute, guessing one of
# 887 million codes takes a lifetime.
WRONG_CODES = "20 per minute; 200 per hour"


def _joins_from_one_address() -> str:
    """Return the limit on joins from one network address, as text for Flask-Limiter.

    The default limit is high enough for the people in two rooms behind one router. It is low enough
    to prevent a flood of made-up names on the host's list and the board.
    """
    joins = current_config().joins_a_minute
    return f"{joins} per minute; {5 * joins} per hour"


limit_wrong_codes = AttemptLimit("wrong codes", WRONG_CODES, lambda status: status in (404, 410))
limit_joins = AttemptLimit(
    "joins",
    _joins_from_one_address,
    lambda status: status in (201, 303),
    methods=("POST",),
    message="A lot of people have just joined from your network.",
)


class _TextField(StringField):
    """A text field that refuses a JSON value that is not text."""

    def pre_validate(self, form: Any) -> None:
        if self.data is not None and not isinstance(self.data, str):
            raise StopValidation("That must be text.")


# WTForms orders the fields of a form by when they were made. The code is the first field on the
# page, so it is made before the name.
_CODE = _TextField(
    "Party code",
    description="Six letters and numbers, on your host's screen.",
    validators=[DataRequired("Type the code.")],
)


class NameForm(FlaskForm):
    first_name = _TextField(
        "Your first name",
        description="The board on the party's TV can show it, and you'll say it to the people you "
        "call.",
        validators=[DataRequired("Type your first name.")],
    )


class CodeForm(NameForm):
    code = _CODE


@pages.route("/join", methods=["GET", "POST"])
@open_to(ANYONE)
@limit_wrong_codes
@limit_joins
def join() -> ResponseReturnValue:
    """Join with a code and a first name, which the caller enters on one page. A caller who pastes a
    campaign's link in place of the code joins that campaign without a party."""
    read_fields()  # raises an error for a JSON body that is not an object
    form = CodeForm()
    if not form.is_submitted():
        return render_template("callers/join.html", form=form, known=_caller_already_in())
    if not form.validate():
        return _render_again(form, 422)
    try:
        token = find_campaign_token(form.code.data)
        if token is not None:
            return _join(form, joining.campaign_of_link(token), None)
        party = party_by_code(form.code.data)
    except (NotFoundError, GoneError) as error:
        return _refused(form, error, "code")
    return _join(form, db.session.get_one(Campaign, party.campaign_id), party)


@pages.route("/join/<code>", methods=["GET", "POST"])
@open_to(ANYONE)
@limit_wrong_codes
@limit_joins
def join_by_code(code: str) -> ResponseReturnValue:
    """Join a party with a first name. The link in the board's QR code opens this page, and contains
    the party's code. If no party has this code, show the page on which the caller can correct the
    code, or raise NotFoundError for a request that wants JSON."""
    try:
        party = party_by_code(code)
    except NotFoundError as error:
        if wants_json():
            raise
        wrong_code = normalise_code(code)
        form = CodeForm(code=wrong_code)
        known = _caller_already_in()
        page = render_template("callers/join.html", form=form, known=known, wrong_code=wrong_code)
        return page, error.status
    return _name_only(db.session.get_one(Campaign, party.campaign_id), party)


@pages.route("/c/<token>", methods=["GET", "POST"])
@open_to(ANYONE)
@limit_wrong_codes
@limit_joins
def join_campaign(token: str) -> ResponseReturnValue:
    """Join a campaign with a first name, without a party. The campaign's own link opens this
    page."""
    return _name_only(joining.campaign_of_link(token), None)


@pages.post("/leave")
@for_callers
def leave() -> ResponseReturnValue:
    """Leave the party or campaign.

    The contact on the caller's screen returns to the queue, and the caller's telephone session
    ends. The device forgets the caller and the caller's own telephone number. No copy of the
    device's cookie identifies the caller any more. But the device still knows the volunteer who is
    signed in on it, if there is one.
    """
    # The lock waits until a claim that is under way has committed. Then the hold of that
    # claim is released too.
    lock_row(g.caller)
    release_caller(g.caller.id)
    end_session(g.caller)
    end_phone_session(g.caller.id)
    db.session.commit()
    sessions.forget()
    session.pop(OWN_NUMBER, None)
    if volunteer_of_cookie(session.get(COOKIE_KEY)) is None:
        flash("You've left, and this device has forgotten you.", "success")
    else:
        flash("You've left. This device still knows you on the page “My calls”.", "success")
    return redirect(url_for(".join"), 303)


def _name_only(campaign: Campaign, party: Party | None) -> ResponseReturnValue:
    read_fields()
    form = NameForm()
    if form.is_submitted():
        if not form.validate():
            return _render_again(form, 422, campaign, party)
        return _join(form, campaign, party)
    if _is_inside(caller_of_device(), campaign, party):
        return redirect(url_for(".calling"))
    return render_template("callers/join.html", form=form, campaign=campaign, party=party)


@retry_on_deadlock
def _join(form: NameForm, campaign: Campaign, party: Party | None) -> ResponseReturnValue:
    known = caller_of_device()
    known_name = known.first_name if known is not None else None
    try:
        caller = joining.join(campaign, party, form.first_name.data or "", known, client_key())
    except InvalidInputError as error:
        return _refused(form, error, "first_name", campaign, party)
    except (ConflictError, GoneError) as error:
        return _refused(form, error, "code", campaign, party)
    keep_calls_of_device(session.get(COOKIE_KEY), caller)
    guest_id = session.get("guest")
    if isinstance(guest_id, int):
        greet_at_door(guest_id, caller)
    db.session.commit()
    session.pop("guest", None)
    if caller is not known or caller.first_name != known_name:
        # The number may belong to another person who used this device before and did not leave.
        session.pop(OWN_NUMBER, None)
    sessions.remember(caller)
    if wants_json():
        return jsonify(state=caller.state, next=url_for(".calling")), 201
    return redirect(url_for(".calling"), 303)


def _refused(
    form: NameForm,
    error: PhonebankError,
    field: str,
    campaign: Campaign | None = None,
    party: Party | None = None,
) -> ResponseReturnValue:
    if wants_json() or field not in form:
        raise error
    form[field].errors = [f"{error.message} {error.what_to_do}".strip()]
    return _render_again(form, error.status, campaign, party)


def _render_again(
    form: NameForm, status: int, campaign: Campaign | None = None, party: Party | None = None
) -> ResponseReturnValue:
    if wants_json():
        raise InvalidInputError(" ".join(m for messages in form.errors.values() for m in messages))
    page = render_template("callers/join.html", form=form, campaign=campaign, party=party)
    return page, status


def _is_inside(known: Caller | None, campaign: Campaign, party: Party | None) -> bool:
    if known is None or known.state == CallerState.REMOVED or known.campaign_id != campaign.id:
        return False
    return known.party_id == (party.id if party else None)


def _caller_already_in() -> Caller | None:
    known = caller_of_device()
    return known if known is not None and known.state != CallerState.REMOVED else None
