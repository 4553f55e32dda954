"""A volunteer's own page, and the mailed links that lead to it."""

from flask import flash, g, make_response, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue

from phonebank.contact_queue.campaign_hours import date_in_first_zone
from phonebank.core.access import ANYONE, open_to
from phonebank.core.after_response import run_after
from phonebank.core.db import db
from phonebank.core.links import link_to
from phonebank.core.rate_limits import limiter, typed_email_key
from phonebank.listings.listings import when_of
from phonebank.movement.blueprint import for_volunteers, forget_device, pages, remember
from phonebank.movement.check_views import describe_role
from phonebank.movement.forms import EmailForm
from phonebank.trainings.marks import marks_of
from phonebank.trainings.rooms import trainings_for
from phonebank.volunteers import confirm, consents, mails, roles, volunteers
from phonebank.volunteers.own_calls import calls_of
from phonebank.volunteers.ready import next_step


@pages.get("/volunteer")
@for_volunteers
def mine() -> ResponseReturnValue:
    """Show how many calls the volunteer has made in each campaign. Also show the volunteer's next
    steps, trainings, roles, certificates and consents."""
    calls = calls_of(g.volunteer)
    return render_template(
        "movement/mine.html",
        volunteer=g.volunteer,
        calls=calls,
        days=len(set().union(*(own.days for own in calls))),
        steps=[
            (own.campaign, step)
            for own in calls
            if (step := next_step(g.volunteer, own.campaign)) is not None
        ],
        consents=[
            (consent, date_in_first_zone(consent.campaign, consent.given_at))
            for consent in consents.consents_of(g.volunteer)
        ],
        marks=marks_of(g.volunteer),
        trainings=[(row, when_of(row.training.listing)) for row in trainings_for(g.volunteer)],
        roles=[(role, describe_role(role)) for role in roles.roles_of(g.volunteer)],
    )


@pages.get("/volunteer/sign-in")
@open_to(ANYONE)
def sign_in() -> ResponseReturnValue:
    """Show the form with which a volunteer asks for a sign-in link."""
    return render_template("movement/sign_in.html", form=EmailForm())


@pages.post("/volunteer/sign-in")
@open_to(ANYONE)
@limiter.limit("10 per minute; 60 per hour")
@limiter.limit("5 per 15 minutes", key_func=typed_email_key)
def send_link() -> ResponseReturnValue:
    """E-mail a sign-in link to the typed address, if it belongs to a volunteer or if an organiser
    gave it a role. The next page is the same whether or not an e-mail is sent."""
    form = EmailForm()
    if not form.validate_on_submit():
        return render_template("movement/sign_in.html", form=form), 422
    email = form.email.data or ""
    session["volunteer_link_for"] = email
    response = make_response(redirect(url_for(".link_sent"), 303))
    run_after(response, lambda: _mail_link(email))
    return response


def _mail_link(email: str) -> None:
    volunteer = volunteers.volunteer_with(email)
    # A person to whom an organiser gave a role may not have opened their first link in time.
    name = volunteer.first_name if volunteer is not None else roles.name_with_role(email)
    if name is None:
        return
    token = confirm.create_confirmation(email, name)
    db.session.commit()
    mails.send_sign_in(email, name, link_to("movement.open_link", token=token))


@pages.get("/volunteer/sent")
@open_to(ANYONE)
def link_sent() -> ResponseReturnValue:
    """Show the page that follows the form for a sign-in link. The page is the same whether or not a
    volunteer has the typed address."""
    return render_template("movement/link_sent.html", email=session.get("volunteer_link_for"))


@pages.get("/volunteer/link/<token>")
@open_to(ANYONE)
def open_link(token: str) -> ResponseReturnValue:
    """Show the page that a mailed link opens. The link is used up only when somebody taps the
    page's button, because mail scanners open links too."""
    return render_template("movement/open_link.html", found=confirm.read(token), token=token)


@pages.post("/volunteer/link/<token>")
@open_to(ANYONE)
@limiter.limit("30 per minute")
def use_link(token: str) -> ResponseReturnValue:
    """Confirm the volunteer's e-mail address, and sign the volunteer in on this device. If the link
    is for a caller, also keep the caller's calls under the volunteer."""
    volunteer = confirm.confirm(token)
    db.session.commit()
    remember(volunteer)
    return redirect(url_for(".mine"), 303)


@pages.post("/volunteer/consents/<int:consent_id>/withdraw")
@for_volunteers
def withdraw(consent_id: int) -> ResponseReturnValue:
    """Withdraw one of the volunteer's consents."""
    consents.withdraw(g.volunteer, consent_id)
    db.session.commit()
    flash("Withdrawn.", "success")
    return redirect(url_for(".mine"), 303)


@pages.post("/volunteer/sign-out")
@for_volunteers
def sign_out() -> ResponseReturnValue:
    """Sign the volunteer out on this device."""
    forget_device()
    flash("You've signed out of your page on this device.", "success")
    return redirect(url_for(".sign_in"), 303)


@pages.post("/volunteer/sign-out-everywhere")
@for_volunteers
def sign_out_everywhere() -> ResponseReturnValue:
    """Sign the volunteer out on all devices."""
    volunteers.sign_out_everywhere(g.volunteer)
    db.session.commit()
    forget_device()
    flash("You've signed out of your page on all devices.", "success")
    return redirect(url_for(".sign_in"), 303)


@pages.post("/volunteer/forget")
@for_volunteers
def forget() -> ResponseReturnValue:
    """Delete the volunteer, with their roles and consents. The calls stay, under the first names of
    the callers to whom they belong."""
    volunteers.forget(g.volunteer)
    db.session.commit()
    forget_device()
    flash("We've deleted your page, with its e-mail address.", "success")
    return redirect(url_for(".sign_in"), 303)
