"""The steps from an empty campaign to its first call, and which of these steps are done."""

from dataclasses import dataclass

from sqlalchemy import func, select

from phonebank.campaigns.data_protection import missing_statements
from phonebank.core.db import db
from phonebank.lists.screening import stopped_lists
from phonebank.models import Campaign, ContactList, ListPurpose, ListState
from phonebank.scripts.versions import published_version_id, script_of


@dataclass(frozen=True)
class Step:
    """One step: its key, its title, the sentences that the page shows under the title, and whether
    the step is done."""

    key: str
    title: str
    sentences: list[str]
    done: bool


def checklist(campaign: Campaign) -> list[Step]:
    """Return the steps of a draft campaign, in order. The campaign can start as soon as all the
    steps are done."""
    unsaid = missing_statements(campaign)
    responsible = "Say who is responsible for the people's data"
    # The title says this already.
    details = [sentence for sentence in unsaid if sentence != f"{responsible}."]
    return [
        _people(campaign),
        *_screening(campaign),
        _script(campaign),
        Step(
            "data",
            responsible,
            details if unsaid else [f"{campaign.controller} is responsible."],
            not unsaid,
        ),
    ]


def next_step(campaign: Campaign) -> Step | None:
    """Return the first step that is not done, or None if the campaign can start."""
    return next((step for step in checklist(campaign) if not step.done), None)


def _people(campaign: Campaign) -> Step:
    lists, people = db.session.execute(
        select(func.count(), func.coalesce(func.sum(ContactList.rows_stored), 0)).where(
            ContactList.campaign_id == campaign.id,
            ContactList.purpose == ListPurpose.CALL,
            ContactList.state == ListState.READY,
        )
    ).one()
    if not lists:
        return Step("people", "Upload the people to call", [_UPLOAD], done=False)
    where = "one list" if lists == 1 else f"{lists:,} lists"
    number = "1 person" if people == 1 else f"{people:,} people"
    return Step("people", "Upload the people to call", [f"{number} in {where}."], done=True)


def _screening(campaign: Campaign) -> list[Step]:
    """If some lists are paused because their screening is missing or too old, return a list with
    the step about these lists. Otherwise return an empty list. (Screening means that a list was
    compared with the register of people who do not want calls.)"""
    stopped = len(stopped_lists(campaign))
    if not stopped:
        return []
    whom = "one list" if stopped == 1 else f"{stopped:,} lists"
    sentence = f"Callers get nobody from {whom} until you say when each list was screened."
    return [Step("screening", "Say when each list was screened", [sentence], done=False)]


def _script(campaign: Campaign) -> Step:
    script = script_of(published_version_id(campaign))
    if script is None:
        return Step("script", "Choose a script", [_CHOOSE], done=campaign.script_id is not None)
    return Step("script", "Choose a script", [f"{script.title}, {len(script.steps)} steps."], True)


_UPLOAD = "Use a spreadsheet with their names and phone numbers."
_CHOOSE = "Callers need one to know what to say."
