"""The organiser's campaign pages."""

from collections.abc import Sequence
from itertools import groupby

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.audit.record import record_audit
from phonebank.campaigns import services
from phonebank.campaigns.chapters import chapter_names
from phonebank.campaigns.checklist import checklist
from phonebank.campaigns.data_protection import missing_statements
from phonebank.core.access import ORGANISER_ANYWHERE, VIEWER_ANYWHERE, open_to
from phonebank.core.edit_form import EditForm, is_still
from phonebank.core.erased import refuse_erased
from phonebank.core.errors import NotAllowedError
from phonebank.core.scopes import campaign_for, chapters_within, may_organise
from phonebank.listings.offers import count_to_check
from phonebank.lists.screening import stopped_lists
from phonebank.lists.services import lists_in_calling_order
from phonebank.models import Campaign, CampaignState, RoleName, now
from phonebank.organisers.campaigns.forms import CampaignForm, DataProtectionForm, hours_form
from phonebank.organisers.campaigns.steps import step_address
from phonebank.organisers.campaigns.today import chart_data, figures_of
from phonebank.organisers.responses import commit_and_redirect
from phonebank.privacy.retention import ANNOUNCED_FOR
from phonebank.roster.admit import set_door
from phonebank.roster.campaign_callers import count_waiting
from phonebank.rules.countries import rules_for
from phonebank.rules.week_hours import DAY_NAMES, DAYS
from phonebank.tallies.totals import campaign_totals
from phonebank.told_changes.decide import undecided_count

campaigns = Blueprint("campaigns", __name__, url_prefix="/campaigns")

_ORDER = (CampaignState.RUNNING, CampaignState.PAUSED, CampaignState.DRAFT, CampaignState.ENDED)


def init_app(app: Flask) -> None:
    """Add the campaign pages, and the template filter `chart_data`."""
    app.register_blueprint(campaigns)
    app.add_template_filter(chart_data)


def _campaign(campaign_id: int, to_change: bool = False) -> Campaign:
    return campaign_for(current_user, campaign_id, to_change)


def _address(campaign: Campaign, page: str = "campaigns.show", anchor: str = "") -> str:
    return url_for(page, campaign_id=campaign.id, _anchor=anchor or None)


def _settings(campaign: Campaign, anchor: str) -> str:
    return _address(campaign, "campaign_settings.index", anchor)


def _link_for_callers(campaign: Campaign) -> str:
    return _address(campaign, "roster.index", "link")


@campaigns.get("")
@open_to(VIEWER_ANYWHERE)
def index() -> ResponseReturnValue:
    """Show the campaigns whose figures the account may see, each with its totals. Running campaigns
    come first, and ended campaigns come last."""
    found = sorted(services.campaigns_of(current_user), key=lambda c: _ORDER.index(c.state))
    rows = [(c, campaign_totals(c.id)) for c in found]
    may_create = current_user.is_organiser or bool(chapters_within(current_user))
    return render_template(
        "campaigns/index.html", rows=rows, may_create=may_create, chapters=chapter_names()
    )


@campaigns.route("/new", methods=["GET", "POST"])
@open_to(ORGANISER_ANYWHERE)
def new() -> ResponseReturnValue:
    """Show the form for a new campaign. A POST creates the campaign.

    Organisers of chapters (local groups) can create campaigns only in their chapters. Raises
    NotAllowedError for somebody who organises only single campaigns.
    """
    chapters = chapters_within(current_user)
    if not (chapters or current_user.is_organiser):
        raise NotAllowedError(
            "You can only organise campaigns that already exist.",
            "Ask an organiser of all campaigns, or of your chapter, to set up a new one.",
        )
    form = CampaignForm(chapters=chapters, may_be_without_chapter=current_user.is_organiser)
    if form.validate_on_submit():
        campaign = services.create_campaign(current_user, form.values())
        record_audit("campaign created", account=current_user, campaign=campaign)
        return commit_and_redirect(
            _address(campaign), "The campaign is set up. Next, upload a list and choose a script."
        )
    return render_template("campaigns/form.html", form=form, campaign=None)


@campaigns.get("/<int:campaign_id>")
@open_to(RoleName.VIEWER)
def show(campaign_id: int) -> ResponseReturnValue:
    """Show the campaign's page *Today*: its figures, and what an organiser must do. If the campaign
    is a draft, organisers see the steps that are needed before its first call instead.

    A viewer gets a page with the figures only. With `?part=1`, the view returns only the part of
    the page that has the figures, so that the page can refresh them.
    """
    campaign = campaign_for(current_user, campaign_id, role=RoleName.VIEWER)
    organises = may_organise(current_user, campaign)
    is_draft = campaign.state == CampaignState.DRAFT and organises
    today = None if is_draft else figures_of(campaign, now())
    if request.args.get("part") and today is not None:
        return render_template(
            "campaigns/_today.html", campaign=campaign, today=today, may_organise=organises
        )
    if not organises:
        return render_template(
            "campaigns/figures.html", campaign=campaign, today=today, may_organise=False
        )
    steps = checklist(campaign) if is_draft else []
    return render_template(
        "campaigns/show.html",
        campaign=campaign,
        moves=services.MOVES[campaign.state],
        erased_from=campaign.erasure_due_at and campaign.erasure_due_at + ANNOUNCED_FOR,
        steps=steps,
        addresses={step.key: step_address(campaign, step) for step in steps},
        missing=not all(step.done for step in steps),
        waiting=count_waiting(campaign),
        to_look_at=services.count_flagged_callers(campaign),
        unscreened=0 if is_draft else len(stopped_lists(campaign)),
        told=undecided_count(campaign),
        events=count_to_check(campaign),
        today=today,
        may_organise=True,
    )


@campaigns.route("/<int:campaign_id>/edit", methods=["GET", "POST"])
@open_to(RoleName.ORGANISER)
def edit(campaign_id: int) -> ResponseReturnValue:
    """Show the form for the campaign's name and other details. A POST saves the changes."""
    campaign = _campaign(campaign_id, to_change=request.method == "POST")
    form = CampaignForm(obj=campaign)
    if _may_be_saved(form) and form.is_usable_for(campaign, lists_in_calling_order(campaign)):
        changes = {
            name: value for name, value in form.values().items() if getattr(campaign, name) != value
        }
        before = {name: getattr(campaign, name) for name in changes}
        after = dict(changes)
        if "briefing" in changes:
            # The message to callers may name a person, and an audit entry is never deleted.
            del before["briefing"]
            after["briefing"] = "changed"
        record_audit(
            "campaign changed", account=current_user, campaign=campaign, before=before, after=after
        )
        for name, value in changes.items():
            setattr(campaign, name, value)
        return commit_and_redirect(_settings(campaign, "about"), "Saved.")
    page = render_template("campaigns/form.html", form=form, campaign=campaign)
    return page, 422 if form.is_submitted() else 200


@campaigns.route("/<int:campaign_id>/hours", methods=["GET", "POST"])
@open_to(RoleName.ORGANISER)
def hours(campaign_id: int) -> ResponseReturnValue:
    """Show the form for the calling hours. A POST saves the hours, if the country permits them."""
    campaign = _campaign(campaign_id, to_change=request.method == "POST")
    form = hours_form(campaign)
    if _may_be_saved(form):
        before, campaign.hours = campaign.hours, form.hours().to_json()
        record_audit(
            "calling hours changed",
            account=current_user,
            campaign=campaign,
            before=before,
            after=campaign.hours,
        )
        return commit_and_redirect(
            _settings(campaign, "hours"), "Calling hours saved. They apply from the next call."
        )
    rules = rules_for(campaign.country)
    permitted = rules.permitted_hours.value.to_json()
    days = [(day, name, permitted[day]) for day, name in zip(DAYS, DAY_NAMES, strict=True)]
    page = render_template(
        "campaigns/hours.html",
        form=form,
        campaign=campaign,
        days=days,
        rules=rules,
        allowed=describe_week([(name, opening) for _, name, opening in days]),
    )
    return page, 422 if form.is_submitted() else 200


def describe_week(days: Sequence[tuple[str, Sequence[str]]]) -> str:
    """Return the hours of a week in words, or "" if no day has hours. Days without hours are not
    mentioned. Consecutive days with the same hours are named together, for example "Monday to
    Friday from 09:00 to 21:00, and Saturday and Sunday from 10:00 to 20:00"."""
    parts = []
    for opening, run in groupby(days, key=lambda day: tuple(day[1])):
        names = [name for name, _ in run]
        if len(names) > 2:
            names = [f"{names[0]} to {names[-1]}"]
        if opening:
            parts.append(f"{' and '.join(names)} from {opening[0]} to {opening[1]}")
    return f"{', '.join(parts[:-1])}, and {parts[-1]}" if len(parts) > 1 else "".join(parts)


def _may_be_saved(form: EditForm) -> bool:
    """Whether the form was sent and is valid, and saving it would not overwrite changes that
    somebody has saved since the form was opened."""
    return form.validate_on_submit() and not form.is_overtaken()


@campaigns.route("/<int:campaign_id>/data-protection", methods=["GET", "POST"])
@open_to(RoleName.ORGANISER)
def data_protection(campaign_id: int) -> ResponseReturnValue:
    """Show the form for the campaign's data protection: who is responsible, the legal ground, the
    campaign's last day, and how long the people's data is kept. A POST saves the changes."""
    campaign = _campaign(campaign_id, to_change=request.method == "POST")
    if request.method == "POST":
        refuse_erased(campaign)
    rules = rules_for(campaign.country)
    form = DataProtectionForm(campaign)
    if _may_be_saved(form):
        form.populate_obj(campaign)
        record_audit("data protection changed", account=current_user, campaign=campaign)
        return commit_and_redirect(_settings(campaign, "data-protection"), "Saved.")
    page = render_template(
        "campaigns/data_protection.html", form=form, campaign=campaign, rules=rules
    )
    return page, 422 if form.is_submitted() else 200


@campaigns.post("/<int:campaign_id>/state")
@open_to(RoleName.ORGANISER)
def change_state(campaign_id: int) -> ResponseReturnValue:
    """Start, pause, resume, end or reopen the campaign. A campaign cannot be started while a
    statement about data protection is missing. In that case, redirect to the page on which an
    organiser adds it."""
    campaign = _campaign(campaign_id)
    verb = request.form.get("verb", "")
    if verb == "start" and (unsaid := missing_statements(campaign)):
        flash(f"Not started. {' '.join(unsaid)}", "error")
        return redirect(url_for("campaigns.data_protection", campaign_id=campaign.id))
    before = campaign.state
    services.change_state(campaign, verb)
    record_audit(
        "campaign state changed",
        account=current_user,
        campaign=campaign,
        before={"state": before},
        after={"state": campaign.state},
    )
    return commit_and_redirect(_address(campaign), f"The campaign is now {campaign.state}.")


@campaigns.post("/<int:campaign_id>/door")
@open_to(RoleName.ORGANISER)
def door(campaign_id: int) -> ResponseReturnValue:
    """Open or close the campaign's door. While the door is closed, newcomers with the campaign's
    own link must wait. Opening the door also admits callers who are already waiting. `set_door`
    describes the exceptions."""
    campaign = _campaign(campaign_id)
    is_open = request.form.get("open") == "yes"
    set_door(campaign, is_open)
    record_audit(
        "campaign door changed", account=current_user, campaign=campaign, after={"open": is_open}
    )
    return commit_and_redirect(_link_for_callers(campaign))


@campaigns.post("/<int:campaign_id>/admit")
@open_to(RoleName.ORGANISER)
def admit(campaign_id: int) -> ResponseReturnValue:
    """Admit waiting callers who joined with the campaign's own link. With `caller_id`, admit only
    this caller. Without `caller_id`, admit all waiting callers, except those whom an organiser must
    admit individually."""
    campaign = _campaign(campaign_id)
    caller_id = request.form.get("caller_id", type=int)
    services.admit(campaign, [caller_id] if caller_id is not None else None)
    return commit_and_redirect(_link_for_callers(campaign))


@campaigns.post("/<int:campaign_id>/new-link")
@open_to(RoleName.ORGANISER)
def new_link(campaign_id: int) -> ResponseReturnValue:
    """Replace the link with which callers join the campaign. The old link stops working. If
    somebody has replaced the link since the page was opened, nothing changes."""
    campaign = _campaign(campaign_id, to_change=True)
    if not is_still(campaign.join_token):
        flash("Somebody has just replaced the link. This is the new one.", "info")
        return redirect(_link_for_callers(campaign))
    services.replace_join_link(campaign)
    record_audit("campaign link replaced", account=current_user, campaign=campaign)
    return commit_and_redirect(
        _link_for_callers(campaign), "The old link no longer works. Send the new one."
    )
