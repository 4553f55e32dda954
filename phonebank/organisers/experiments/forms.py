"""The form that sets up an experiment. An experiment has two to four arms. An arm is one script,
which callers use for a share of the people."""

from collections.abc import Sequence
from typing import Any

from flask_wtf import FlaskForm
from wtforms import Field, IntegerField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from phonebank.experiments.services import ArmScript, NewArm

ARMS = (1, 2, 3, 4)
_ORDINALS = {1: "first", 2: "second", 3: "third", 4: "fourth"}
NEEDED = (1, 2)
MAX_SHARE = 100


class ExperimentForm(FlaskForm):
    """The form for a new experiment. `offered` are the scripts that the experiment can compare."""

    name = StringField(
        "What do you want to find out?",
        [DataRequired("Say what you want to find out."), Length(max=120)],
        description="Example: “Does a story first win more people over?” Only organisers see it.",
    )

    def __init__(self, offered: Sequence[ArmScript], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._offered = {words.key: words for words in offered}
        for number in ARMS:
            nothing = "Choose a script" if number in NEEDED else "None"
            self[f"words_{number}"].choices = [
                SelectChoice("", nothing),
                *(SelectChoice(key, words.name) for key, words in self._offered.items()),
            ]

    def arm_fields(self) -> list[tuple[Field, Field, Field]]:
        """Return the form's fields for each arm: script, share and label. An arm is one script,
        which callers use for a share of the people."""
        return [
            (self[f"words_{number}"], self[f"share_{number}"], self[f"label_{number}"])
            for number in ARMS
        ]

    def arms(self) -> list[NewArm]:
        """Return the arms that the organiser filled in. An arm is one script, which callers use for
        a share of the people. Call this function only if the form is valid."""
        return [
            NewArm(self._offered[words.data], share.data, " ".join((label.data or "").split()))
            for words, share, label in self.arm_fields()
            if words.data
        ]

    def validate(self, extra_validators: Any = None) -> bool:
        valid: bool = super().validate(extra_validators)
        for number, (words, share, _) in zip(ARMS, self.arm_fields(), strict=True):
            if words.data and share.data is None and not share.errors:
                share.errors = [*share.errors, f"Give the {_ORDINALS[number]} script a share."]
                valid = False
        chosen = [words for words, _, _ in self.arm_fields() if words.data]
        for position, words in enumerate(chosen):
            if words.data in [other.data for other in chosen[:position]]:
                words.errors = [*words.errors, "This script is already in the experiment."]
                valid = False
        return valid


for _number in ARMS:
    _needed = _number in NEEDED
    _choose = f"Choose the {_ORDINALS[_number]} script."
    _give_share = f"Give the {_ORDINALS[_number]} script a share."
    setattr(
        ExperimentForm,
        f"words_{_number}",
        SelectField("Script", [InputRequired(_choose) if _needed else Optional()]),
    )
    setattr(
        ExperimentForm,
        f"share_{_number}",
        IntegerField(
            "Share",
            [
                InputRequired(_give_share) if _needed else Optional(),
                NumberRange(1, MAX_SHARE, f"A share is a number from 1 to {MAX_SHARE}."),
            ],
            default=50 if _needed else None,
        ),
    )
    setattr(ExperimentForm, f"label_{_number}", StringField("Name", [Optional(), Length(max=80)]))
