"""The tabs of a campaign, and which tab a page belongs to.

Every page about one campaign shows the tabs, so that an organiser can go from any of these pages to
any tab. A page's endpoint or blueprint says which tab the page belongs to, so the page's address
does not have to name the tab.
"""

from dataclasses import dataclass

from flask import Flask, request, url_for
from flask_security import current_user

from phonebank.campaigns.checklist import next_step
from phonebank.core.db import db
from phonebank.core.scopes import role_in
from phonebank.models import Campaign, CampaignState, RoleName
from phonebank.organisers.campaigns.steps import step_address


@dataclass(frozen=True)
class Tab:
    """A tab: its name, the endpoint of its first page, and the blueprints and single endpoints
    whose pages belong to the tab. Viewers see only the tabs whose `for_viewers` is true."""

    name: str
    endpoint: str
    pages: frozenset[str]
    for_viewers: bool = False


@dataclass(frozen=True)
class ShownTab:
    """A tab as it appears on a page."""

    name: str
    url: str
    is_current: bool


@dataclass(frozen=True)
class ShownStep:
    """The next step that an organiser must take before a draft campaign can start. `title` is the
    step's title, and `url` is the address of the step's page. If everything is ready, the next step
    is to start the campaign."""

    title: str
    url: str


@dataclass(frozen=True)
class CampaignBar:
    """The campaign that a page is about, and the tabs that the signed-in person may open.

    If the campaign is a draft, `next_step` is the organiser's next step. Otherwise it is None. It
    is also None if the signed-in person is a viewer. The same is true if the page shows the
    checklist, or is one of the step's own pages.
    """

    campaign: Campaign
    tabs: list[ShownTab]
    next_step: ShownStep | None


TABS = (
    Tab("Today", "campaigns.show", frozenset({"campaigns.show"}), for_viewers=True),
    Tab(
        "People",
        "queue.standing",
        frozenset({"queue", "person", "correct", "inbox", "told_changes", "privacy"}),
        for_viewers=True,
    ),
    Tab("Lists", "lists.history", frozenset({"lists", "take_out", "answer_order"})),
    Tab("Script", "scripts.index", frozenset({"scripts", "script_editor", "experiments"})),
    Tab(
        "Callers", "roster.index", frozenset({"tonight", "roster", "pace", "history", "set_aside"})
    ),
    Tab(
        "Parties",
        "campaign_parties.index",
        frozenset({"campaign_parties", "call_outs", "listings"}),
    ),
    Tab(
        "Results",
        "answers.show",
        frozenset({"answers", "exports"}),
        for_viewers=True,
    ),
    Tab(
        "Settings",
        "campaign_settings.index",
        frozenset(
            {
                "campaign_settings",
                "campaigns.edit",
                "campaigns.hours",
                "campaigns.data_protection",
                "retry_rules",
                "telephone",
                "machine_calls",
                "connections",
                "webhooks",
                "records",
            }
        ),
    ),
)

# The blueprints whose pages all belong to a step of the checklist, by the step's key.
PAGES_OF_STEP = {"people": "lists", "script": "scripts"}


def init_app(app: Flask) -> None:
    """Give every template the function `campaign_bar`."""
    app.add_template_global(campaign_bar)


def campaign_bar() -> CampaignBar | None:
    """Return the campaign and the tabs for the page of this request. Return None if the page is not
    about one campaign, or if there is no such campaign. Also return None if nobody is signed in, or
    if the signed-in person is neither an organiser nor a viewer of the campaign."""
    campaign_id = (request.view_args or {}).get("campaign_id")
    if campaign_id is None or not current_user.is_authenticated:
        return None
    campaign = db.session.get(Campaign, campaign_id)
    role = role_in(current_user, campaign) if campaign is not None else None
    if campaign is None or role is None:
        return None
    page = {request.endpoint, request.blueprint}
    tabs = [
        ShownTab(
            tab.name, url_for(tab.endpoint, campaign_id=campaign.id), not page.isdisjoint(tab.pages)
        )
        for tab in TABS
        if tab.for_viewers or role == RoleName.ORGANISER
    ]
    is_draft = campaign.state == CampaignState.DRAFT and role == RoleName.ORGANISER
    return CampaignBar(campaign, tabs, _next_step(campaign) if is_draft else None)


def _next_step(campaign: Campaign) -> ShownStep | None:
    if request.endpoint == "campaigns.show":
        return None
    step = next_step(campaign)
    if step is None:
        start = url_for("campaigns.show", campaign_id=campaign.id)
        return ShownStep("Everything is ready. Start calling.", start)
    url = step_address(campaign, step)
    # The pages for the columns and the progress of an upload also count as pages of the step.
    is_here = url.partition("#")[0] == request.path or request.blueprint == PAGES_OF_STEP.get(
        step.key
    )
    return None if is_here else ShownStep(step.title, url)
