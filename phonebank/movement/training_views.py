"""The pages of trainings. People enter a training's room with its code and practise. The trainer
sees who has finished a practice call, and marks people as trained. Everyone who has the link of a
certificate can check whether the certificate is real."""

from collections.abc import Sequence

from flask import flash, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from phonebank.contact_queue.campaign_hours import date_in_first_zone
from phonebank.core.access import ANYONE, TV, open_to
from phonebank.core.attempt_limits import AttemptLimit
from phonebank.core.config import current_config
from phonebank.core.content_negotiation import wants_json
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError, PhonebankError
from phonebank.core.links import link_to
from phonebank.core.qr_codes import qr_svg
from phonebank.core.rate_limits import limiter
from phonebank.listings.listings import when_of
from phonebank.models import Campaign, ListingState, now
from phonebank.movement.blueprint import for_volunteers, pages
from phonebank.movement.hall_views import HALL, caller_of_device, remember_caller
from phonebank.trainings import marks, rooms

limit_wrong_codes = AttemptLimit(
    "wrong training codes", "20 per minute; 200 per hour", lambda status: status == 404
)


@pages.get("/trained/<token>")
@open_to(TV)
def certificate(token: str) -> ResponseReturnValue:
    """Show the certificate, ready to print, with the link with which others can check it. Raises
    GoneError if the trained mark was taken back, or if there is no such certificate."""
    mark = marks.mark_by_token(token)
    link = current_config().base_url + url_for(".certificate", token=mark.token)
    return render_template(
        "movement/certificate.html",
        mark=mark,
        given_on=date_in_first_zone(mark.campaign, mark.given_at),
        link=link,
        qr=qr_svg(link),
    )


@pages.route("/training", methods=["GET", "POST"])
@open_to(ANYONE)
@limit_wrong_codes
def training_code() -> ResponseReturnValue:
    """Ask for the code that the trainer shows. A POST with a valid code opens the page of the
    training's room."""
    refused: PhonebankError | None = None
    if request.method == "POST":
        try:
            room = rooms.room_by_code(request.form.get("code", ""))
            return redirect(url_for(".training_room", code=room.code), 303)
        except PhonebankError as error:
            refused = error
    page = render_template(
        "movement/type_code.html",
        title="Join a training",
        where="Your trainer shows the code.",
        refused=refused,
    )
    return page, 200 if refused is None else refused.status


@pages.route("/training/<code>", methods=["GET", "POST"])
@open_to(ANYONE)
@limit_wrong_codes
@limiter.limit(HALL, methods=["POST"])
def training_room(code: str) -> ResponseReturnValue:
    """Ask for a person's first name, unless this device already has a caller in the campaign. A
    POST lets the person into the training's room and starts the practice call."""
    room = rooms.room_by_code(code)
    known = caller_of_device()
    if known is not None and known.campaign_id != room.listing.campaign_id:
        known = None
    refused = ""
    if request.method == "POST":
        try:
            caller = rooms.come_in(room, request.form.get("first_name", ""), known)
        except InvalidInputError as error:
            db.session.rollback()
            refused = f"{error.message} {error.what_to_do}".strip()
        else:
            db.session.commit()
            remember_caller(caller)
            return redirect(url_for("callers.practice"), 303)
    page = render_template(
        "movement/training_room.html",
        room=room,
        campaign=db.session.get_one(Campaign, room.listing.campaign_id),
        known=known,
        refused=refused,
        typed=request.form.get("first_name", ""),
    )
    return page, 422 if refused else 200


@pages.get("/volunteer/trainings/<int:listing_id>")
@for_volunteers
def run_training(listing_id: int) -> ResponseReturnValue:
    """Show a trainer the code of the training's room, and who has finished a practice call.

    For a request that wants JSON, return {"count": …} with the numbers from `_count`. The open page
    polls these numbers to find out whether anything has changed.
    """
    room, _ = rooms.room_for(g.volunteer, listing_id)
    people = marks.trainees_of(room)
    if wants_json():
        return jsonify(count=_count(people))
    link = link_to("movement.training_room", code=room.code)
    at = now()
    return render_template(
        "movement/training.html",
        room=room,
        when=when_of(room.listing),
        is_on=rooms.is_on(room, at),
        is_cancelled=room.listing.state == ListingState.CANCELLED,
        is_over=room.listing.starts_at < at,
        opens_before=rooms.OPENS_BEFORE_HOURS,
        link=link,
        short=link_to("movement.training_code").split("://", 1)[-1],
        qr=qr_svg(link),
        people=people,
        count=_count(people),
    )


@pages.post("/volunteer/trainings/<int:listing_id>/<int:caller_id>/<any(trained, untrained):mark>")
@for_volunteers
def mark_trainee(listing_id: int, caller_id: int, mark: str) -> ResponseReturnValue:
    """Mark a person in the training as trained, or remove the mark."""
    room, role = rooms.room_for(g.volunteer, listing_id)
    caller = rooms.trainee_in(room, caller_id)
    try:
        if mark == "trained":
            marks.give_mark(caller, None, role)
        else:
            marks.take_mark_back(caller, None)
        db.session.commit()
    except ConflictError as error:
        db.session.rollback()
        flash(f"{error.message} {error.what_to_do}", "error")
    return redirect(url_for(".run_training", listing_id=listing_id), 303)


def _count(people: Sequence[marks.Practised]) -> list[int]:
    """Return three numbers: how many people came to the training, how many of them have finished a
    practice call, and how many of them are marked as trained."""
    return [
        len(people),
        sum(one.caller.practised_at is not None for one in people),
        sum(one.mark is not None for one in people),
    ]
