"""Coming in: a code or a link, and a first name. No account, nothing to remember."""

from typing import Any

from flask import flash, g, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import DataRequired, StopValidation

from callers import joining, sessions
from callers.sessions import for_callers, recognised
from callers.views.blueprint import screens, sent
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
from phonebank.models import Caller, CallerState, Campaign, Party
from phonebank.parties.codes import find_campaign_token
from phonebank.parties.services import party_by_code
from phonebank.roster.devices import end_session

# Wrong codes and links from one address. Right ones do not count, so a living room of thirty comes
# in behind one router; at twenty a minute, guessing one of 887 million codes takes a lifetime.
WRONG_ONES = "20 per minute; 200 per hour"


def _joins_from_one_address() -> str:
    """Enough for a room behind one router, and for a second one after it; not for a flood of
    made-up names, which would fill the host's list and the board."""
    joins = current_config().joins_a_minute
    return f"{joins} per minute; {5 * joins} per hour"


slow_down_guessing = AttemptLimit("wrong codes", WRONG_ONES, lambda status: status in (404, 410))
slow_down_joining = AttemptLimit(
    "joins",
    _joins_from_one_address,
    lambda status: status in (201, 303),
    methods=("POST",),
    message="A lot of people have just joined from your network.",
)


class _TextField(StringField):
    """A field of text, also where JSON sends a number or worse."""

    def pre_validate(self, form: Any) -> None:
        if self.data is not None and not isinstance(self.data, str):
            raise StopValidation("That must be text.")


class NameForm(FlaskForm):
    first_name = _TextField(
        "Your first name",
        description="It's shown on the board, and you'll say it to the people you call.",
        validators=[DataRequired("Type your first name.")],
    )


class CodeForm(NameForm):
    code = _TextField(
        "Party code",
        description="Six letters and numbers, on your host's screen.",
        validators=[DataRequired("Type the code.")],
    )


@screens.route("/join", methods=["GET", "POST"])
@open_to(ANYONE)
@slow_down_guessing
@slow_down_joining
def join() -> ResponseReturnValue:
    """Code and name on one screen."""
    sent()  # refuses a body that is no object, which the form could not read
    form = CodeForm()
    if not form.is_submitted():
        return render_template("callers/join.html", form=form, known=_known_anywhere())
    if not form.validate():
        return _form_again(form, 422)
    try:
        token = find_campaign_token(form.code.data)
        if token is not None:
            return _join(form, joining.campaign_of_link(token), None)
        party = party_by_code(form.code.data)
    except (NotFoundError, GoneError) as error:
        return _refused(form, error, "code")
    return _join(form, db.session.get_one(Campaign, party.campaign_id), party)


@screens.route("/join/<code>", methods=["GET", "POST"])
@open_to(ANYONE)
@slow_down_guessing
@slow_down_joining
def join_by_code(code: str) -> ResponseReturnValue:
    """The link behind the QR on the board: only the name is asked."""
    party = party_by_code(code)
    return _name_only(db.session.get_one(Campaign, party.campaign_id), party)


@screens.route("/c/<token>", methods=["GET", "POST"])
@open_to(ANYONE)
@slow_down_guessing
@slow_down_joining
def join_campaign(token: str) -> ResponseReturnValue:
    """The campaign's own link, for callers without a party."""
    return _name_only(joining.campaign_of_link(token), None)


@screens.post("/leave")
@for_callers
def leave() -> ResponseReturnValue:
    """The device is nobody's again, and so is every copy of its cookie; the person on its screen
    goes back to the list."""
    # Somebody who is being handed to them this moment is theirs by then, and is taken back too.
    lock_row(g.caller)
    release_caller(g.caller.id)
    end_session(g.caller)
    db.session.commit()
    sessions.forget()
    flash("You've left, and this device has forgotten you.", "success")
    return redirect(url_for(".join"), 303)


def _name_only(campaign: Campaign, party: Party | None) -> ResponseReturnValue:
    sent()
    form = NameForm()
    if form.is_submitted():
        if not form.validate():
            return _form_again(form, 422, campaign, party)
        return _join(form, campaign, party)
    if _is_inside(recognised(), campaign, party):
        return redirect(url_for(".calling"))
    return render_template("callers/join.html", form=form, campaign=campaign, party=party)


@retry_on_deadlock
def _join(form: NameForm, campaign: Campaign, party: Party | None) -> ResponseReturnValue:
    try:
        caller = joining.join(
            campaign, party, form.first_name.data or "", recognised(), client_key()
        )
    except InvalidInputError as error:
        return _refused(form, error, "first_name", campaign, party)
    except (ConflictError, GoneError) as error:
        return _refused(form, error, "code", campaign, party)
    db.session.commit()
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
    return _form_again(form, error.status, campaign, party)


def _form_again(
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


def _known_anywhere() -> Caller | None:
    known = recognised()
    return known if known is not None and known.state != CallerState.REMOVED else None
