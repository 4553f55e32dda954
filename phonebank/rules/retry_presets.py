"""Ready-made retry rules, which an organiser can choose and then change."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from phonebank.rules.retry_rules import RetryRules


@dataclass(frozen=True)
class Preset:
    """Ready-made rules: their name, when to choose them, and how they differ from the default
    rules."""

    name: str
    purpose: str
    changes: Mapping[str, Any]

    @property
    def rules(self) -> RetryRules:
        return RetryRules.parse(self.changes)


PRESETS = {
    "usual": Preset("Usual", "For a campaign of some weeks.", {}),
    "gentle": Preset(
        "Gentle",
        "For members and supporters, who should never feel pressed. One try a day, three in all.",
        {
            "attempts_at_most": 3,
            "attempts_a_day_at_most": 1,
            "household_rest_minutes": 2 * 24 * 60,
            "outcomes": {
                "no_answer": {"rest_minutes": 24 * 60},
                "answerphone": {"rest_minutes": 2 * 24 * 60, "retries_at_most": 1},
                "busy": {"rest_minutes": 2 * 60, "retries_at_most": 1},
                "hung_up": {"rest_minutes": 7 * 24 * 60},
            },
        },
    ),
    "last_days": Preset(
        "The last days",
        "For the last days before a vote. Three tries a day, and six in all.",
        {
            "attempts_at_most": 6,
            "attempts_a_day_at_most": 3,
            "outcomes": {
                "no_answer": {"rest_minutes": 2 * 60},
                "answerphone": {
                    "rest_minutes": 4 * 60,
                    "retries_at_most": 4,
                    "a_day_at_most": None,
                },
                "busy": {"rest_minutes": 15, "retries_at_most": 5},
                "bad_time": {"rest_minutes": 3 * 60, "a_day_at_most": 2},
            },
        },
    ),
}
