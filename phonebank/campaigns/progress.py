"""How a campaign is going: outcomes and answers, counted from the calls."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import func, select, text

from phonebank.models import Call, Campaign
from phonebank.scripts.versions import published_version_id, script_of
from phonebank.stores import db


@dataclass(frozen=True)
class Count:
    """How many calls or answers, under a label."""

    label: str
    number: int


@dataclass(frozen=True)
class Question:
    """One step of the script, with its answers counted; `mean` for scales."""

    title: str
    answers: list[Count]
    mean: float | None = None


def outcomes_of(campaign_id: int) -> list[Count]:
    """The campaign's outcomes by key, most frequent first; without those that count nowhere."""
    rows = db.session.execute(
        select(Call.outcome, func.count())
        .where(Call.campaign_id == campaign_id, Call.counted)
        .group_by(Call.outcome)
        .order_by(func.count().desc())
    )
    return [Count(key or "", number) for key, number in rows]


_ANSWERS = text("""
SELECT answer.step_id, answer.value, count(*)
FROM answer JOIN call ON call.id = answer.call_id
WHERE call.campaign_id = :campaign_id AND call.counted AND call.script_version_id = :version_id
GROUP BY answer.step_id, answer.value
""")


def answers_by_question(campaign: Campaign) -> list[Question]:
    """Answers to the present version of the script, in its order. Free text is not shown: it is
    in the export."""
    version_id = published_version_id(campaign)
    script = script_of(version_id)
    if script is None:
        return []
    counts: dict[str, Counter[str]] = {}
    rows = db.session.execute(_ANSWERS, {"campaign_id": campaign.id, "version_id": version_id})
    for step_id, value, number in rows:
        counter = counts.setdefault(step_id, Counter())
        for one in value if isinstance(value, list) else [value]:
            counter[str(one)] += number
    questions = []
    for step in script.steps:
        found = counts.get(step.id, Counter())
        if step.answer in ("choice", "several"):
            answers = [Count(choice.label, found[choice.key]) for choice in step.choices]
            questions.append(Question(step.title, answers))
        elif step.answer == "scale":
            answers = [Count(str(number), found[str(number)]) for number in range(11)]
            given = sum(count.number for count in answers)
            mean = sum(int(c.label) * c.number for c in answers) / given if given else None
            questions.append(Question(step.title, answers, mean))
    return questions
