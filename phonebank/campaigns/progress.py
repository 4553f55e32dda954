"""The progress of a campaign: its outcomes and answers, counted from its calls."""

import time
from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import func, select, text

from phonebank.core.db import db
from phonebank.models import Call, Campaign
from phonebank.models.call import TAKEN_OVER
from phonebank.scripts.versions import published_version_id, script_of


@dataclass(frozen=True)
class Count:
    """A number of calls or answers under a label."""

    label: str
    number: int


@dataclass(frozen=True)
class Question:
    """One step of the script with the counts of its answers; only scales have a `mean`."""

    title: str
    answers: list[Count]
    mean: float | None = None


def count_outcomes(campaign_id: int) -> list[Count]:
    """Count the outcomes of the campaign's counted calls, by key, the most frequent first."""
    rows = db.session.execute(
        select(Call.outcome, func.count())
        .where(Call.campaign_id == campaign_id, Call.counted)
        .group_by(Call.outcome)
        .order_by(func.count().desc())
    )
    return [Count(key or "", number) for key, number in rows]


@dataclass
class OutcomeCountsCache:
    """A cache of outcome counts, for one process.

    Tallies have no outcomes, so a count reads every call of a campaign. The outcomes of a campaign
    of up to `exact_up_to` calls are counted for each view. The outcomes of a larger campaign are
    counted at most every `kept_for` seconds, because many organisers may keep its page open.
    """

    exact_up_to: int = 20_000
    kept_for: float = 30.0
    _read: dict[int, tuple[float, list[Count]]] = field(default_factory=dict)

    def of(self, campaign_id: int, calls: int) -> list[Count]:
        """Return the counts of `count_outcomes`; `calls` is the campaign's total by its tallies."""
        at = time.monotonic()
        kept = self._read.get(campaign_id)
        if kept is not None and calls > self.exact_up_to and at - kept[0] < self.kept_for:
            return kept[1]
        counts = count_outcomes(campaign_id)
        self._read[campaign_id] = (at, counts)
        return counts


_ANSWERS = text("""
SELECT answer.step_id, answer.value, count(*)
FROM answer JOIN call ON call.id = answer.call_id
WHERE call.campaign_id = :campaign_id AND call.counted AND call.script_version_id = :version_id
  AND answer.seq IS DISTINCT FROM :taken_over
GROUP BY answer.step_id, answer.value
""").bindparams(taken_over=TAKEN_OVER)


def answers_by_question(campaign: Campaign) -> list[Question]:
    """Count the answers to the published version of the script, in its order.

    Free-text answers are not counted; the calls file has them.
    """
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
