"""List a campaign's scripts, add a ready-made or blank script, choose the script to use, and count
the callers who are calling now.

These functions do not commit.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path

from sqlalchemy import func, select

from phonebank.core.db import db
from phonebank.core.errors import ConflictError, NotFoundError
from phonebank.core.locks import lock_row
from phonebank.models import Account, Call, Campaign, Script
from phonebank.scripts.versions import add_version, publish
from scripts_library.library import UnknownScriptError, ready_made, source_of
from scripts_library.parser import parse
from scripts_library.script import Script as ParsedScript

# A caller between two people still counts as calling.
LATELY = timedelta(minutes=2)
BLANK = Path(__file__).parent / "blank.yaml"


@cache
def ready_made_scripts() -> tuple[ParsedScript, ...]:
    """Return the ready-made scripts. They change only with a release of Phonebank."""
    return tuple(ready_made())


def ready_made_script(slug: str, language: str) -> ParsedScript:
    """Return the ready-made script with this slug in this language. Raises NotFoundError if there
    is no such script."""
    for script in ready_made_scripts():
        if (script.slug, script.language) == (slug, language):
            return script
    raise NotFoundError("There is no such ready-made script.", "Choose one from the list.")


def scripts_of(campaign: Campaign) -> Sequence[Script]:
    """Return the campaign's scripts, newest first."""
    return db.session.scalars(
        select(Script).where(Script.campaign_id == campaign.id).order_by(Script.id.desc())
    ).all()


def script_for(campaign: Campaign, script_id: int) -> Script:
    """Return a script of the campaign. Raises NotFoundError if there is no such script."""
    script = db.session.get(Script, script_id)
    if script is None or script.campaign_id != campaign.id:
        raise NotFoundError("This campaign has no such script.", "Go back to its scripts.")
    return script


def use_ready_made(campaign: Campaign, slug: str, language: str, account: Account | None) -> Script:
    """Copy a ready-made script into the campaign and publish the copy.

    If no script is chosen for the campaign, choose the new script. Otherwise callers keep the
    chosen script until an organiser chooses the new script. Raises NotFoundError if there is no
    such ready-made script.
    """
    try:
        source = source_of(slug, language)
    except UnknownScriptError as unknown:
        raise NotFoundError(str(unknown), "Choose one from the list.") from None
    script = _store(campaign, source)
    publish(script, add_version(script, source, account))
    lock_row(campaign)
    if campaign.script_id is None:
        choose(campaign, script)
    return script


def start_blank(campaign: Campaign) -> Script:
    """Add a script of four steps, for the organiser to continue.

    The script is a draft. Callers get the script only after an organiser has published it, and has
    either chosen it or put it into an experiment.
    """
    source = BLANK.read_text("utf-8")
    script = _store(campaign, source)
    script.draft = source
    return script


def choose(campaign: Campaign, script: Script) -> None:
    """Make this the script that the campaign's next calls use, unless an experiment chooses
    another.

    Raises ConflictError if no version of this script has been published.
    """
    if script.published_version_id is None:
        raise ConflictError("This script has not been published yet.", "Publish it first.")
    lock_row(campaign)
    campaign.script_id = script.id


def count_callers_now(campaign: Campaign) -> int:
    """Return how many callers have a contact on their screen, or recorded a call in the last two
    minutes."""
    lately = Call.recorded_at > func.statement_timestamp() - LATELY
    return db.session.execute(
        select(func.count(Call.caller_id.distinct())).where(
            Call.campaign_id == campaign.id, Call.ended_at.is_(None) | lately
        )
    ).scalar_one()


def _store(campaign: Campaign, source: str) -> Script:
    script = Script(campaign_id=campaign.id, name=parse(source, "a new script").title[:120])
    db.session.add(script)
    db.session.flush()
    return script
