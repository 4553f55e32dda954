"""The organiser's page that shows a campaign's settings. The page shows the values of the settings,
with links to the pages on which an organiser changes them."""

from flask import Blueprint, Flask, render_template
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.accounts import roles
from phonebank.campaigns import services
from phonebank.campaigns.chapters import chapter_names
from phonebank.campaigns.data_protection import LAWFUL_BASES, kept_until, missing_statements
from phonebank.core.access import open_to
from phonebank.core.scopes import campaign_for
from phonebank.models import RoleName
from phonebank.organisers.campaigns.views import describe_week
from phonebank.organisers.telephone.views import MODES
from phonebank.privacy.retention import ANNOUNCED_FOR
from phonebank.rules.countries import rules_for
from phonebank.rules.retry_rules import RetryRules
from phonebank.rules.week_hours import DAY_NAMES, DAYS

settings = Blueprint(
    "campaign_settings", __name__, url_prefix="/campaigns/<int:campaign_id>/settings"
)


def init_app(app: Flask) -> None:
    """Add the page."""
    app.register_blueprint(settings)


@settings.get("")
@open_to(RoleName.ORGANISER)
def index(campaign_id: int) -> ResponseReturnValue:
    """Show the campaign's settings and their values."""
    campaign = campaign_for(current_user, campaign_id)
    rules = rules_for(campaign.country)
    hours = rules.read_stored_hours(campaign.hours).to_json()
    return render_template(
        "campaigns/settings.html",
        campaign=campaign,
        moves=services.MOVES[campaign.state],
        country=rules.name,
        hours=describe_week([(name, hours[d]) for d, name in zip(DAYS, DAY_NAMES, strict=True)]),
        rules=RetryRules.parse(campaign.retry_rules),
        way=MODES[campaign.mode][0],
        lawful_basis=LAWFUL_BASES.get(campaign.lawful_basis),
        kept_until=kept_until(campaign),
        erased_from=campaign.erasure_due_at and campaign.erasure_due_at + ANNOUNCED_FOR,
        unsaid=missing_statements(campaign),
        chapter=chapter_names().get(campaign.chapter_id or 0),
        people_with_role=roles.people_of(campaign),
    )
