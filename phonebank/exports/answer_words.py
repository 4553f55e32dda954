"""Turns the answers in calls into cells of a file. A cell has the answer as it is stored, such as a
key. A question with choices has a second cell, with the words that the caller saw."""

import json
from collections.abc import Mapping
from typing import Any

from phonebank.exports.cells import cell_text
from phonebank.exports.columns import Asked, merge_values
from phonebank.models import Campaign
from scripts_library.merge_fields import render_text


class AnswerWords:
    """Turns the answers in one campaign's calls into words."""

    def __init__(self, campaign: Campaign, asked: Asked) -> None:
        self._asked = asked
        self._of_campaign = merge_values(campaign)
        self._has_words = {
            step_id: any(version.step.choices for version in versions)
            for step_id, versions in asked.items()
        }
        self._steps = {
            (str(version.version_id), step_id): version.step
            for step_id, versions in asked.items()
            for version in versions
        }
        # The words of each choice that has no merge field.
        self._plain = {
            (version_id, step_id, choice.key): choice.label
            for (version_id, step_id), step in self._steps.items()
            for choice in step.choices
            if "{{" not in choice.label
        }

    @property
    def columns(self) -> int:
        """The number of cells that `cells` returns."""
        return len(self._asked) + sum(self._has_words.values())

    def cells(self, version_id: str, answers: str, person: Mapping[str, str]) -> list[str]:
        """Return the cells for the answers of a call. `answers` is the text of a JSON object that
        has each answer under the id of its step. `version_id` is the id of the script version that
        the call used. `person` has the names of the called person and of the caller, which an
        answer's words may contain."""
        given: dict[str, Any] = json.loads(answers)
        cells = []
        for step_id in self._asked:
            value = given.get(step_id)
            cells.append(cell_text(key_of(value)))
            if self._has_words[step_id]:
                cells.append(cell_text(self.words(version_id, step_id, value, person)))
        return cells

    def words(
        self, version_id: str, step_id: str, value: Any, person: Mapping[str, str]
    ) -> str | None:
        """Return the words of an answer that is stored as one or more keys. Return None if there is
        no answer, if the script version has no such step, or if the step's answers have no keys."""
        step = self._steps.get((version_id, step_id))
        if value is None or step is None or not step.choices:
            return None
        keys = value if isinstance(value, list) else [value]
        words = [self._choice(version_id, step_id, str(key), person) for key in keys]
        return " | ".join(word for word in words if word is not None)

    def title(self, version_id: str, step_id: str) -> str:
        """Return the title of a step, with the campaign's values in place of merge fields
        (placeholders). Return the step's id if the script version has no such step."""
        step = self._steps.get((version_id, step_id))
        return render_text(step.title, self._of_campaign) if step else step_id

    def _choice(
        self, version_id: str, step_id: str, key: str, person: Mapping[str, str]
    ) -> str | None:
        plain = self._plain.get((version_id, step_id, key))
        if plain is not None:
            return plain
        step = self._steps[version_id, step_id]
        choice = step.choice(key)
        return render_text(choice.label, {**self._of_campaign, **person}) if choice else None


def key_of(value: Any) -> Any:
    """Return an answer as the value of one cell. If the answer has several keys, " | " separates
    them."""
    return " | ".join(map(str, value)) if isinstance(value, list) else value
