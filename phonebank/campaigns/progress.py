"""How a campaign is going: outcomes and answers, counted from the calls."""

import time
from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import func, select, text

from phonebank.core.db import db
from phonebank.models import Call, Campaign
from phonebank.scripts.versions import published_version_id, script_of


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


def count_outcomes(campaign_id: int) -> list[Count]:
    """The campaign's outcomes by key, most frequent first; without those that count nowhere."""
    rows = db.session.execute(
        select(Call.outcome, func.count())
        .where(Call.campaign_id == campaign_id, Call.counted)
        .group_by(Call.outcome)
        .order_by(func.count().desc())
    )
    return [Count(key or "", number) for key, number in rows]


@dataclass
class OutcomeCountsCache:
    """The outcomes of campaigns as this process last counted them, and when.

    Tallies do not tell outcomes apart, so every call is gone through. Up to `anew_up_to` calls that
    is done for each view, and exact; for more, every `kept_for` seconds at most, for many may keep
    the page of a large campaign open.
    """

    anew_up_to: int = 20_000
    kept_for: float = 30.0
    _read: dict[int, tuple[float, list[Count]]] = field(default_factory=dict)

    def of(self, campaign_id: int, calls: int) -> list[Count]:
        """As `outcomes_of`; `calls` is how many the campaign has by its tallies."""
        at = time.monotonic()
        kept = self._read.get(campaign_id)
        if kept is not None and calls > self.anew_up_to and at - kept[0] < self.kept_for:
            return kept[1]
        counts = count_outcomes(campaign_id)
        self._read[campaign_id] = (at, counts)
        return counts


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
