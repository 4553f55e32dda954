"""Registers all of the organiser's pages, and their templates."""

from flask import Blueprint, Flask

from phonebank.organisers import tabs
from phonebank.organisers.call_outs import views as call_outs
from phonebank.organisers.campaigns import answers_views, parties_views, settings_views
from phonebank.organisers.campaigns import views as campaigns
from phonebank.organisers.chapters import views as chapters
from phonebank.organisers.connections import views as connections
from phonebank.organisers.connections import webhook_views
from phonebank.organisers.contact_status import views as queue
from phonebank.organisers.experiments import views as experiments
from phonebank.organisers.exports import views as exports
from phonebank.organisers.find import correct_views, find_views, person_views
from phonebank.organisers.inbox import views as inbox
from phonebank.organisers.listings import role_views  # noqa: F401  (adds its pages to `listings`)
from phonebank.organisers.listings import views as listings
from phonebank.organisers.lists import answer_order_views, take_out_views
from phonebank.organisers.lists import views as lists
from phonebank.organisers.machine_calls import simulation_views
from phonebank.organisers.machine_calls import views as machine_calls
from phonebank.organisers.people import views as people
from phonebank.organisers.privacy import record_views
from phonebank.organisers.privacy import views as privacy
from phonebank.organisers.retry_rules import views as retry_rules
from phonebank.organisers.roster import (
    history_views,
    pace_views,
    people_filter_views,
    set_aside_views,
)
from phonebank.organisers.roster import views as roster
from phonebank.organisers.scripts import views as scripts
from phonebank.organisers.suppressions import views as suppressions
from phonebank.organisers.telephone import views as telephone
from phonebank.organisers.told_changes import views as told_changes

_FEATURES = (
    tabs,
    campaigns,
    call_outs,
    answers_views,
    parties_views,
    settings_views,
    listings,
    lists,
    answer_order_views,
    take_out_views,
    exports,
    connections,
    webhook_views,
    privacy,
    record_views,
    suppressions,
    scripts,
    experiments,
    queue,
    retry_rules,
    machine_calls,
    simulation_views,
    roster,
    pace_views,
    people_filter_views,
    history_views,
    set_aside_views,
    telephone,
    told_changes,
    inbox,
    people,
    chapters,
    find_views,
    person_views,
    correct_views,
)


def init_app(app: Flask) -> None:
    """Register all of the organiser's pages."""
    # This blueprint has no routes. It provides the templates that the features' blueprints show.
    app.register_blueprint(Blueprint("organisers", __name__, template_folder="templates"))
    for feature in _FEATURES:
        feature.init_app(app)
