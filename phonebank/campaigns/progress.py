"""Counts what people answered in a campaign's calls, question by question."""

from collections import Counter
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text

from phonebank.campaigns.countable_steps import COUNTABLE
from phonebank.campaigns.day_counts import Freshness, freshness, read_live_answers
from phonebank.contact_queue.campaign_hours import first_zone_of
from phonebank.core.db import db
from phonebank.models import Campaign
from phonebank.scripts.versions import published_version_id, script_of
from phonebank.tallies.bars import days_of
from phonebank.tallies.totals import totals_by_hour

_STORED = text("""
SELECT step_id, answer, sum(number) FROM answer_count
WHERE campaign_id = :id AND day = ANY(:days) AND script_version_id = :version_id
  AND (CAST(:list_id AS integer) IS NULL OR contact_list_id = :list_id)
  AND (CAST(:party_id AS integer) IS NULL OR party_id = :party_id)
GROUP BY 1, 2
""")


@dataclass(frozen=True)
class AnswerFilter:
    """Says which answers to count. If `list_id`, `party_id` or `day` is None, the answers from all
    lists, parties or days are counted. If `version_id` is None, the answers to the published
    version are counted."""

    list_id: int | None = None
    party_id: int | None = None
    day: date | None = None
    version_id: int | None = None


@dataclass(frozen=True)
class Count:
    """One possible answer to a question: its label, how many people gave it (`number`), and their
    share of everyone who answered the question (`percent`)."""

    label: str
    number: int
    percent: int = 0


@dataclass(frozen=True)
class Question:
    """One step of the script, with the counts of its answers. `people` is the number of people who
    answered the question. `mean` is the mean of the answers on a scale, or None if the question has
    no scale or nobody has answered."""

    title: str
    answers: list[Count]
    people: int = 0
    is_scale: bool = False
    mean: float | None = None


@dataclass(frozen=True)
class AnswerFigures:
    """The questions with countable answers in one version of the script, in the order of the
    script. `fresh` says how up to date the counts are."""

    version_id: int | None
    questions: list[Question]
    fresh: Freshness


def answers_by_question(campaign: Campaign, chosen: AnswerFilter | None = None) -> AnswerFigures:
    """Count the answers to the chosen version of the script, or to the published one.

    Typed answers are not counted. Organisers find them in the file of calls that they can download.
    """
    chosen = chosen or AnswerFilter()
    version_id = chosen.version_id or published_version_id(campaign)
    zone = first_zone_of(campaign)
    days = days_of(totals_by_hour(campaign.id), zone)
    if chosen.day is not None:
        days = {day: totals for day, totals in days.items() if day == chosen.day}
    fresh = freshness(campaign.id, days)
    values = {
        "id": campaign.id,
        "days": list(fresh.counted),
        "version_id": version_id,
        "list_id": chosen.list_id,
        "party_id": chosen.party_id,
    }
    counts: dict[str, Counter[str]] = {}
    rows = [tuple(row) for row in db.session.execute(_STORED, values)]
    rows += [
        (step_id, answer, number)
        for list_id, party_id, version, step_id, answer, number in read_live_answers(
            campaign, fresh.live, zone
        )
        if version == version_id
        and chosen.list_id in (None, list_id)
        and chosen.party_id in (None, party_id)
    ]
    for step_id, answer, number in rows:
        counts.setdefault(step_id, Counter())[answer] += number
    return AnswerFigures(version_id, _questions(version_id, counts), fresh)


def _questions(version_id: int | None, counts: dict[str, Counter[str]]) -> list[Question]:
    script = script_of(version_id)
    questions = []
    for step in script.steps if script is not None else ():
        if step.answer not in COUNTABLE:
            continue
        found = counts.get(step.id, Counter())
        is_scale = step.answer == "scale"
        labels = (
            {str(number): str(number) for number in range(11)}
            if is_scale
            else {choice.key: choice.label for choice in step.choices}
        )
        given = {key: found[key] for key in labels}
        people = found[""] if step.answer == "several" else sum(given.values())
        answers = [
            Count(label, given[key], round(100 * given[key] / people) if people else 0)
            for key, label in labels.items()
        ]
        mean = None
        if is_scale and people:
            mean = sum(int(key) * number for key, number in given.items()) / people
        questions.append(Question(step.title, answers, people, is_scale, mean))
    return questions
