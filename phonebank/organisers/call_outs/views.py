"""The organiser's pages about call-outs: meetings at which people pledge to host parties. On these
pages, organisers set up a call-out and print its paper sheets. They also see its links, how many
people have signed in, and who has pledged to host a party."""

from flask import Blueprint, Flask, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.audit.record import record_audit
from phonebank.callouts import call_outs, pledges, settle, sheets
from phonebank.callouts.board import state_of
from phonebank.contact_queue.campaign_hours import first_zone_of
from phonebank.core.access import open_to
from phonebank.core.config import current_config
from phonebank.core.qr_codes import qr_svg
from phonebank.core.scopes import campaign_for
from phonebank.models import CallOut, RoleName
from phonebank.organisers.call_outs.forms import CallOutForm
from phonebank.organisers.responses import commit_and_redirect
from phonebank.rules.local_moments import NoSuchTimeError, describe_moment, moment_at
from phonebank.rules.time_zones import time_zone

views = Blueprint("call_outs", __name__, url_prefix="/campaigns/<int:campaign_id>/call-outs")


def init_app(app: Flask) -> None:
    """Add the pages."""
    app.register_blueprint(views)


@views.get("")
@open_to(RoleName.ORGANISER)
def index(campaign_id: int) -> ResponseReturnValue:
    """Show the campaign's call-outs (meetings at which people pledge to host parties)."""
    campaign = campaign_for(current_user, campaign_id)
    found = call_outs.call_outs_of(campaign)
    return render_template(
        "call_outs/index.html",
        campaign=campaign,
        rows=[(call_out, _when(call_out), state_of(call_out)) for call_out in found],
    )


@views.route("/new", methods=["GET", "POST"])
@open_to(RoleName.ORGANISER)
def new(campaign_id: int) -> ResponseReturnValue:
    """Show the form for a new call-out. A POST sets up the call-out."""
    campaign = campaign_for(current_user, campaign_id)
    form = CallOutForm()
    if form.validate_on_submit():
        zone = first_zone_of(campaign)
        try:
            chosen = form.moment
            starts_at = moment_at(chosen.date(), chosen.time(), zone) if chosen else None
            call_out = call_outs.create_call_out(
                campaign,
                current_user,
                form.title.data or "",
                starts_at,
                zone.key,
                bool(form.lets_host.data),
            )
            record_audit(
                "call-out set up",
                account=current_user,
                campaign=campaign,
                subject_kind="call-out",
                subject_id=call_out.id,
                after={"lets_host": call_out.lets_host},
            )
            address = url_for(".show", campaign_id=campaign.id, call_out_id=call_out.id)
            return commit_and_redirect(
                address, "The call-out is set up. Open the screen and the remote."
            )
        except NoSuchTimeError:
            form.starts_at.errors = [
                "The clocks change that night, and this time does not exist. Choose another."
            ]
    status = 422 if form.is_submitted() else 200
    return render_template("call_outs/new.html", campaign=campaign, form=form), status


@views.get("/<int:call_out_id>")
@open_to(RoleName.ORGANISER)
def show(campaign_id: int, call_out_id: int) -> ResponseReturnValue:
    """Show one call-out: its links, its figures, and the pledges to host parties."""
    campaign = campaign_for(current_user, campaign_id)
    call_out = call_outs.call_out_for(campaign, call_out_id)
    base_url = current_config().base_url
    remote = base_url + url_for("movement.remote", token=call_out.remote_token)
    zone = time_zone(call_out.time_zone)
    waiting = settle.pledges_not_set_up(call_out)
    return render_template(
        "call_outs/show.html",
        campaign=campaign,
        call_out=call_out,
        when=_when(call_out),
        board=state_of(call_out),
        projector=base_url + url_for("movement.projector", token=call_out.projector_token),
        remote=remote,
        remote_qr=qr_svg(remote),
        sign_in=base_url + url_for("movement.hall_sign_up", code=call_out.code),
        pledges=[
            (
                pledge,
                person,
                taken,
                f"{pledge.starts_at.astimezone(zone):%a %d %b, %H:%M}",
                pledge.id in waiting,
            )
            for pledge, person, taken in pledges.pledges_of(call_out)
        ],
    )


@views.post("/<int:call_out_id>/let-host")
@open_to(RoleName.ORGANISER)
def let_host(campaign_id: int, call_out_id: int) -> ResponseReturnValue:
    """Allow the people who pledged to host a party to become hosts. If they gave an e-mail address,
    a job makes them hosts within an hour after the call-out's end. If the call-out has already
    ended, the job does this within an hour from now."""
    campaign = campaign_for(current_user, campaign_id)
    call_out = call_outs.call_out_for(campaign, call_out_id)
    pledges.let_host(call_out)
    record_audit(
        "call-out lets people host",
        account=current_user,
        campaign=campaign,
        subject_kind="call-out",
        subject_id=call_out.id,
    )
    address = url_for(".show", campaign_id=campaign.id, call_out_id=call_out.id)
    when = "within the hour" if call_out.has_ended else "within an hour of the call-out's end"
    return commit_and_redirect(
        address,
        f"The people who pledged and gave an e-mail address will become hosts {when}.",
    )


@views.get("/<int:call_out_id>/sheets")
@open_to(RoleName.ORGANISER)
def paper(campaign_id: int, call_out_id: int) -> ResponseReturnValue:
    """Show the call-out's paper sheets, ready to print. People without a phone write their names
    and details on these sheets."""
    campaign = campaign_for(current_user, campaign_id)
    call_out = call_outs.call_out_for(campaign, call_out_id)
    base_url = current_config().base_url
    shown = []
    for sheet in sheets.sheets_of(call_out):
        link = base_url + url_for("movement.sheet", token=sheet.token)
        shown.append((sheet, qr_svg(link), link))
    return render_template(
        "call_outs/sheets.html",
        campaign=campaign,
        call_out=call_out,
        sheets=shown,
        lines=sheets.LINES,
    )


@views.post("/<int:call_out_id>/sheets")
@open_to(RoleName.ORGANISER)
def make_sheets(campaign_id: int, call_out_id: int) -> ResponseReturnValue:
    """Make as many more paper sheets as the form says."""
    campaign = campaign_for(current_user, campaign_id)
    call_out = call_outs.call_out_for(campaign, call_out_id)
    typed = request.form.get("count", "")
    sheets.create_sheets(call_out, int(typed) if typed.isdecimal() and len(typed) < 6 else 0)
    address = url_for(".paper", campaign_id=campaign.id, call_out_id=call_out.id)
    return commit_and_redirect(address)


def _when(call_out: CallOut) -> str:
    return describe_moment(call_out.starts_at, call_out.time_zone)
