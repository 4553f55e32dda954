"""A step as the caller will see it, rendered for the editor with the template of the caller's
page."""

from dataclasses import dataclass

from markupsafe import Markup

from phonebank.models import Campaign
from phonebank.scripts.step_renderer import render_step, render_words
from scripts_library.engine import InvalidAnswerError, check_answer, first_step, next_step
from scripts_library.script import Fields, Script

# The preview shows an invented person; nobody is called.
SAMPLE_PERSON = {"first_name": "Priya", "last_name": "Example", "town": "Riverside"}
SAMPLE_CALLER = "Sam"


@dataclass(frozen=True)
class Preview:
    """The editor's preview of one step.

    `step_id` is the id of the step that the preview shows. It is None after the end of the call.
    `refused` says why the preview did not go on to the next step, or is "".
    """

    script: Script
    step_id: str | None
    fields: Fields
    refused: str = ""

    @property
    def identification(self) -> Markup:
        """The words that say who is calling, as HTML."""
        return render_words(self.script.identification, self.fields)

    @property
    def rendered_step(self) -> Markup:
        """The step as HTML, or empty HTML after the end of the call."""
        if self.step_id is None:
            return Markup("")
        return render_step(self.script.step(self.step_id), self.fields, current=True)


def fields_of(campaign: Campaign) -> dict[str, str | None]:
    """Return the values of the merge fields for the sample person. If the campaign has a value of
    its own for a field, this value replaces the sample person's."""
    return {
        **SAMPLE_PERSON,
        **{name: str(value) for name, value in campaign.merge_values.items()},
        "caller_name": SAMPLE_CALLER,
        "campaign_name": campaign.name,
        "on_behalf_of": campaign.on_behalf_of,
    }


def preview_at(script: Script, campaign: Campaign, step_id: str) -> Preview:
    """Return the preview at `step_id`, or at the call's first step if the script has no such
    step."""
    fields = fields_of(campaign)
    if not script.has_step(step_id):
        first = first_step(script, fields)
        step_id = first if script.has_step(first) else script.steps[0].id
    return Preview(script, step_id, fields)


def preview_after(script: Script, campaign: Campaign, step_id: str, answers: list[str]) -> Preview:
    """Return the preview at the step that follows `step_id` after these answers. If the answers are
    not valid, or if they lead to a step that does not exist, return the preview at `step_id` with
    the reason in `refused`."""
    here = preview_at(script, campaign, step_id)
    if here.step_id is None:
        return here
    step = script.step(here.step_id)
    raw = answers if step.answer == "several" else next(iter(answers), None)
    try:
        target = next_step(script, step.id, check_answer(step, raw), here.fields)
    except InvalidAnswerError as error:
        return Preview(script, step.id, here.fields, str(error))
    if target is not None and not script.has_step(target):
        return Preview(script, step.id, here.fields, "This leads to a step that does not exist.")
    return Preview(script, target, here.fields)
