"""The pages that people at a call-out (a meeting in a hall) open on their phones. On these pages
people sign in, start a practice call, pledge to host a party, or take a place at a party that
somebody else has pledged."""

import contextlib
import uuid
from typing import Any

from flask import flash, jsonify, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from phonebank.callouts import pledges, sign_ups
from phonebank.callouts.areas import Area, WhichPlaceError, find_area
from phonebank.callouts.call_outs import call_out_by_code
from phonebank.core.access import ANYONE, open_to
from phonebank.core.attempt_limits import AttemptLimit
from phonebank.core.content_negotiation import wants_json
from phonebank.core.db import db, retry_on_deadlock
from phonebank.core.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PhonebankError,
)
from phonebank.core.rate_limits import limiter
from phonebank.models import Caller, CallerState, CallOut, SignUp
from phonebank.movement.blueprint import pages
from phonebank.movement.hall_forms import PledgeForm, SignUpForm
from phonebank.parties.promises import read_start
from phonebank.places.distance import describe_distance
from phonebank.roster.devices import COOKIE_KEY as CALLER_KEY
from phonebank.roster.devices import cookie_for, id_and_token, is_device_of
from phonebank.rules.local_moments import describe_moment
from phonebank.rules.time_zones import time_zone

# The key of the sign-up in the session cookie.
SIGN_UP_KEY = "sign_up"
limit_wrong_codes = AttemptLimit(
    "wrong call-out codes", "20 per minute; 200 per hour", lambda status: status == 404
)
# All phones in a hall share one network address, so this limit is high. A high limit is safe here,
# because these pages need the call-out's code.
HALL = "1500 per minute; 12000 per hour"


@pages.route("/hall", methods=["GET", "POST"])
@open_to(ANYONE)
@limit_wrong_codes
def hall() -> ResponseReturnValue:
    """Ask for the code that the screen in the hall shows. A POST with a valid code opens the page
    on which the person signs in."""
    refused = None
    if request.method == "POST":
        try:
            call_out = call_out_by_code(request.form.get("code", ""))
            return redirect(url_for(".hall_sign_up", code=call_out.code), 303)
        except NotFoundError as error:
            refused = error
    page = render_template(
        "movement/type_code.html",
        title="Sign in at a call-out",
        where="The code is on the screen in the hall.",
        refused=refused,
    )
    return page, 200 if refused is None else refused.status


@pages.route("/hall/<code>", methods=["GET", "POST"])
@open_to(ANYONE)
@limit_wrong_codes
@limiter.limit(HALL, methods=["POST"])
def hall_sign_up(code: str) -> ResponseReturnValue:
    """Show the form with which a person in the hall signs in (`SignUpForm`). A POST stores the
    sign-up. If this device has already signed in, redirect to the next page, unless the URL has
    `again`."""
    call_out = call_out_by_code(code)
    form = SignUpForm()
    if request.method == "POST":
        return _sign_up(call_out, form)
    if _known(call_out) is not None and "again" not in request.args:
        return redirect(url_for(".hall_next", code=call_out.code))
    form.sign_up_id.data = str(uuid.uuid4())
    return render_template("movement/hall_sign_up.html", call_out=call_out, form=form, places=[])


@retry_on_deadlock
def _sign_up(call_out: CallOut, form: SignUpForm) -> ResponseReturnValue:
    """Store the sign-up. If something is wrong, show the form again, with a message beside each
    field that is wrong. If the request wants JSON, raise InvalidInputError with all messages
    instead."""
    campaign = call_out.campaign
    name = reach = area = None
    places: list[tuple[str, str]] = []
    try:
        if not (form.first_name.data or "").strip():
            raise InvalidInputError("Type your first name.")
        name = sign_ups.clean_first_name(form.first_name.data or "")
    except InvalidInputError as error:
        _refuse(form.first_name, error)
    try:
        reach = sign_ups.read_reach(form.reach.data or "", campaign)
    except InvalidInputError as error:
        _refuse(form.reach, error)
    try:
        area = find_area(form.postcode.data or "", campaign.country, form.place.data or "")
    except WhichPlaceError as error:
        places = error.choices
        _refuse(form.postcode, error)
    except PhonebankError as error:
        _refuse(form.postcode, error)
    if not form.validate_on_submit() or name is None or reach is None or area is None:
        if wants_json():
            raise InvalidInputError(" ".join(m for each in form.errors.values() for m in each))
        return render_template(
            "movement/hall_sign_up.html", call_out=call_out, form=form, places=places
        ), 422
    person, _ = sign_ups.sign_up(call_out, _key(form), name, reach, area)
    db.session.commit()
    session[SIGN_UP_KEY] = str(person.id)
    session.permanent = True
    return _go(url_for(".hall_next", code=call_out.code))


def _refuse(field: Any, error: PhonebankError) -> None:
    field.refused = f"{error.message} {error.what_to_do}".strip()


def _key(form: SignUpForm) -> uuid.UUID:
    with contextlib.suppress(ValueError):
        return uuid.UUID(form.sign_up_id.data or "")
    return uuid.uuid4()


@pages.get("/hall/<code>/next")
@open_to(ANYONE)
def hall_next(code: str) -> ResponseReturnValue:
    """Show what a person in the hall can do next. If this device has not signed in, redirect to the
    form for signing in."""
    call_out = call_out_by_code(code)
    person = _known(call_out)
    if person is None:
        return redirect(url_for(".hall_sign_up", code=call_out.code))
    own = pledges.pledge_of(person)
    return render_template(
        "movement/hall_next.html",
        call_out=call_out,
        person=person,
        pledge=own,
        when=_when(own.starts_at, call_out) if own else "",
        going=[
            (offer, _when(offer.pledge.starts_at, call_out))
            for offer in pledges.offers_for(call_out, person)
            if offer.mine
        ],
    )


@pages.post("/hall/<code>/practise")
@open_to(ANYONE)
def hall_practise(code: str) -> ResponseReturnValue:
    """Start the person's practice call. If the person has no caller yet, use the caller of this
    device. If this device has no caller in the campaign either, create one."""
    call_out = call_out_by_code(code)
    person = _needed(call_out)
    caller = sign_ups.practise(call_out, person, caller_of_device())
    db.session.commit()
    remember_caller(caller)
    return redirect(url_for("callers.practice"), 303)


@pages.route("/hall/<code>/host", methods=["GET", "POST"])
@open_to(ANYONE)
@limiter.limit(HALL, methods=["POST"])
def hall_host(code: str) -> ResponseReturnValue:
    """Show the form for the person's pledge to host a party. A POST stores the pledge."""
    call_out = call_out_by_code(code)
    person = _needed(call_out)
    form = PledgeForm()
    if request.method == "POST":
        return _pledge(call_out, person, form)
    own = pledges.pledge_of(person)
    if own is not None:
        there = own.starts_at.astimezone(time_zone(call_out.time_zone))
        form.day.data, form.at.data = there.date(), there.time()
        form.chairs.data = own.chairs
    return _pledge_page(call_out, person, form, own is not None)


@retry_on_deadlock
def _pledge(call_out: CallOut, person: SignUp, form: PledgeForm) -> ResponseReturnValue:
    places: list[tuple[str, str]] = []
    if form.validate():
        try:
            starts_at = read_start(form.day.data, form.at.data, call_out.time_zone)
            typed = (form.postcode.data or "").strip()
            area = Area(person.country, person.area, person.latitude, person.longitude)
            if typed:
                area = find_area(typed, call_out.campaign.country, form.place.data or "")
            pledges.pledge(call_out, person, starts_at, area, form.chairs.data or 0)
            db.session.commit()
            return _go(
                url_for(".hall_next", code=call_out.code), "Thank you. We've saved your pledge."
            )
        except WhichPlaceError as error:
            places = error.choices
            refused: PhonebankError = error
        except (InvalidInputError, ConflictError, NotFoundError) as error:
            refused = error
        db.session.rollback()
        form.form_errors = [f"{refused.message} {refused.what_to_do}".strip()]
    if wants_json():
        raise InvalidInputError(" ".join(m for each in form.errors.values() for m in each))
    page = _pledge_page(call_out, person, form, pledges.pledge_of(person) is not None, places)
    return page, 422


def _pledge_page(
    call_out: CallOut,
    person: SignUp,
    form: PledgeForm,
    has_pledged: bool,
    places: list[tuple[str, str]] | None = None,
) -> str:
    return render_template(
        "movement/hall_host.html",
        call_out=call_out,
        person=person,
        form=form,
        has_pledged=has_pledged,
        places=places or [],
    )


@pages.post("/hall/<code>/host/take-back")
@open_to(ANYONE)
def hall_take_back(code: str) -> ResponseReturnValue:
    """Delete the person's own pledge to host a party."""
    call_out = call_out_by_code(code)
    pledges.take_back(call_out, _needed(call_out))
    db.session.commit()
    flash(
        "You've taken your pledge back. Perhaps you'd like to go to somebody else's party.",
        "success",
    )
    return redirect(url_for(".hall_next", code=call_out.code), 303)


@pages.get("/hall/<code>/parties")
@open_to(ANYONE)
def hall_parties(code: str) -> ResponseReturnValue:
    """Show the pledged parties that are nearest to the person's area. The person can take places at
    these parties."""
    call_out = call_out_by_code(code)
    person = _needed(call_out)
    return render_template(
        "movement/hall_parties.html",
        call_out=call_out,
        person=person,
        has_pledged=pledges.pledge_of(person) is not None,
        offers=[
            (offer, _when(offer.pledge.starts_at, call_out), _far(offer.km, person))
            for offer in pledges.offers_for(call_out, person)
        ],
    )


@pages.post("/hall/<code>/parties/<int:pledge_id>/<any(take, leave):verb>")
@open_to(ANYONE)
@limiter.limit(HALL)
@retry_on_deadlock
def hall_seat(code: str, pledge_id: int, verb: str) -> ResponseReturnValue:
    """Take a place at a pledged party for the person, or give the place back."""
    call_out = call_out_by_code(code)
    act = pledges.take_seat if verb == "take" else pledges.leave_seat
    try:
        act(call_out, _needed(call_out), pledge_id)
    except (ConflictError, NotFoundError) as error:
        if wants_json():
            raise
        db.session.rollback()
        flash(f"{error.message} {error.what_to_do}", "error")
        return redirect(url_for(".hall_parties", code=code), 303)
    db.session.commit()
    return _go(url_for(".hall_parties", code=call_out.code))


def _go(address: str, said: str = "") -> ResponseReturnValue:
    """Redirect the browser to an address. A page that sent its form by JavaScript gets the address
    as JSON: {"next": …}."""
    if said:
        flash(said, "success")
    if wants_json():
        return jsonify(next=address), 201
    return redirect(address, 303)


def _known(call_out: CallOut) -> SignUp | None:
    return sign_ups.sign_up_of(call_out, session.get(SIGN_UP_KEY))


def _needed(call_out: CallOut) -> SignUp:
    person = _known(call_out)
    if person is None:
        raise NotFoundError("You haven't signed in on this phone.", "Scan the code on the screen.")
    return person


def remember_caller(caller: Caller) -> None:
    """Link this device to the caller. The link lasts as long as the browser keeps the cookie."""
    session[CALLER_KEY] = cookie_for(caller)
    session.permanent = True


def caller_of_device() -> Caller | None:
    """Return the caller who uses this device. Return None if the device has no valid cookie, or if
    the caller was removed."""
    known = id_and_token(session.get(CALLER_KEY))
    caller = db.session.get(Caller, known[0]) if known is not None else None
    if known is None or caller is None or caller.state == CallerState.REMOVED:
        return None
    return caller if is_device_of(caller, known[1]) else None


def _when(moment: Any, call_out: CallOut) -> str:
    return describe_moment(moment, call_out.time_zone)


def _far(km: float, person: SignUp) -> str:
    return describe_distance(km, person.country)
