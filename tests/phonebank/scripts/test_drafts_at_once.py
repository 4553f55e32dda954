"""Two organisers act on one script at once: every pair of actions."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from phonebank.core.db import db
from phonebank.models import (
    Campaign,
    Script,
    ScriptVersion,
)
from phonebank.scripts import campaign_scripts, drafts
from phonebank.scripts import versions as script_versions
from tests.factories import (
    create_campaign,
)
from tests.two_at_once import Act, Place, State, always, faults_of_all_pairs

PUBLISHED = campaign_scripts.BLANK.read_text("utf-8")
WORDS = {name: PUBLISHED.replace("title: ", f"title: {name} ", 1) for name in ("mine", "theirs")}


@pytest.mark.parametrize("draft", ["mine", None])
@pytest.mark.parametrize("published", [True, False])
def test_a_draft_is_published_or_discarded_once(
    app_context: Flask, draft: str | None, published: bool
) -> None:
    if draft is None and not published:
        return  # there is no such script
    kept = {words: name for name, words in WORDS.items()} | {PUBLISHED: "blank", None: None}

    def made() -> tuple[int, int, int]:
        campaign = create_campaign()
        script = Script(campaign_id=campaign.id, name="Main", draft=draft and WORDS[draft])
        db.session.add(script)
        db.session.flush()
        if published:
            script_versions.publish(script, script_versions.add_version(script, PUBLISHED, None))
        other = campaign_scripts.start_blank(campaign)
        script_versions.publish(other, script_versions.add_version(other, PUBLISHED, None))
        db.session.commit()
        return campaign.id, script.id, other.id

    def read(where: tuple[int, int, int]) -> Any:
        return (
            db.session.get_one(Campaign, where[0]),
            *(db.session.get_one(Script, one) for one in where[1:]),
        )

    def state(where: tuple[int, int, int]) -> State:
        campaign, script, _ = read(where)
        versions = db.session.scalars(
            select(ScriptVersion)
            .where(ScriptVersion.script_id == script.id)
            .order_by(ScriptVersion.number)
        ).all()
        newest = versions[-1].id if versions else None
        return {
            "draft": kept[script.draft],
            "versions": [kept[version.source] for version in versions],
            "newest is published": script.published_version_id == newest,
            "the campaign's": {None: None, where[1]: "this", where[2]: "other"}[campaign.script_id],
        }

    def publishes(state: State) -> State | None:
        if state["draft"] is None:
            return None
        return state | {
            "draft": None,
            "versions": [*state["versions"], state["draft"]],
            "the campaign's": state["the campaign's"] or "this",
        }

    def discards(state: State) -> State | None:
        return state | {"draft": None} if state["versions"] else None

    def saves(state: State) -> State:
        same = state["versions"][-1:] == ["theirs"]
        return state | {"draft": None if same else "theirs"}

    acts = [
        Act("publishes", lambda rows: drafts.publish_draft(rows[0], rows[1], None), publishes),
        Act("discards", lambda rows: drafts.discard_draft(rows[1]), discards),
        Act("saves", lambda rows: drafts.save_draft(rows[1], WORDS["theirs"]), saves),
        Act(
            "chooses the other",
            lambda rows: campaign_scripts.choose(rows[0], rows[2]),
            always(**{"the campaign's": "other"}),
        ),
    ]
    assert faults_of_all_pairs(app_context, Place(made, read, state), acts) == []
