"""The forms for a file of people who should not be called any more."""

from __future__ import annotations

from collections.abc import Sequence

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from werkzeug.datastructures import MultiDict
from wtforms import RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length

from phonebank.csv_input.column_guesses import ColumnGuess
from phonebank.csv_input.column_mapping import IGNORE, PHONE_TARGETS, Mapping
from phonebank.lists.take_out import REASONS
from phonebank.lists.take_out_check import TakeOutCheck

_CHOICES = {
    "external_id": "ID in your own database",
    "phone": "Phone",
    "full_name": "Full name",
    "first_name": "First name",
    "last_name": "Last name",
    IGNORE: "Ignore this column",
}


class TakeOutForm(FlaskForm):
    """The form that uploads a file of people who should not be called any more. It also asks for
    the reason."""

    reason = RadioField(
        "Why should nobody call them any more?",
        choices=[SelectChoice(key, label) for key, label in REASONS.items()],
        default="voted",
    )
    file = FileField(
        "The file",
        description="Excel (.xlsx), OpenDocument (.ods), CSV, or text with tabs or semicolons. The "
        "first row names the columns.",
        validators=[FileRequired("Choose a file first.")],
    )


class NamesForm(FlaskForm):
    """The form in which an organiser chooses the columns that identify people. `names_form` makes
    the form, with one select field for each column."""

    name = StringField(
        "Name of this file",
        description="Organisers see this name.",
        validators=[DataRequired("Give the file a name."), Length(max=120)],
        filters=[lambda name: name and name.strip()],
    )
    # The token of the columns that the page showed to the organiser. It comes from
    # `import_check.token_of`, or is "nothing" if the page showed no result.
    checked = StringField()
    # How many people the organiser agreed to take out.
    take_out = StringField("Yes, take them all out")
    # The token of the columns in this form, or "" if nothing was checked.
    token = ""
    guesses: Sequence[ColumnGuess] = ()

    def columns_with_guesses(self) -> list[tuple[ColumnGuess, SelectField]]:
        """For each column of the file, return the guess of what it contains, and its select field.
        The columns are in the file's order."""
        fields = [field for field in self if field.name.startswith("column_")]
        return list(zip(self.guesses, fields, strict=True))

    def targets(self) -> list[str]:
        """Return, for each column, the target that the organiser chose. A target says what a column
        contains, such as "phone"."""
        return [field.data for _, field in self.columns_with_guesses()]

    def fault_of(self, mapping: Mapping) -> str:
        """Return what is wrong with the chosen columns, or "" if they can be used."""
        if any(target not in _CHOICES for target in mapping.targets):
            return "Choose each column from the list."
        if "external_id" not in mapping.columns and not mapping.phone_columns:
            return "Choose the column with your own IDs, or one with phone numbers."
        for target in ("external_id", "full_name", "first_name", "last_name"):
            if len(mapping.columns.get(target, ())) > 1:
                return f"Two columns are both “{_CHOICES[target]}”. Ignore one of them."
        return ""

    def is_usable(self) -> bool:
        """Whether the columns can be used. If they can't, the form says what is wrong."""
        targets = self.targets()
        if fault := self.fault_of(Mapping.of(["" for _ in targets], targets)):
            self.form_errors.append(fault)
        return not self.errors

    def is_agreed(self, check: TakeOutCheck) -> bool:
        """Whether the organiser has agreed to what the file would do. The field `checked` says for
        which columns the page showed the people. The columns must be the same now. If the file
        would take out more than half of the people who are left, the organiser must have agreed to
        this. The agreed number must be the number of people whom the file would take out. Return
        False if the file would take out nobody. If the result is False, the form says what is
        wrong."""
        if not check.people:
            self.form_errors.append(
                "This file takes nobody out. Is the right column chosen? The IDs or numbers must "
                "be those of this campaign's people."
            )
        elif self.checked.data != self.token:
            self.form_errors.append(
                "Nobody is taken out yet. “What will happen” below shows whom these columns name. "
                "If that is right, press “Check and take out” again."
            )
        elif check.needs_agreement and self.take_out.data != str(check.people):
            self.take_out.errors = [
                f"This file would take out {check.people:,} of the {check.left:,} people who are "
                "left. If that is right, tick the box below and press “Check and take "
                "out” again."
            ]
        return not self.errors


def names_form(
    guesses: Sequence[ColumnGuess], name: str, kept: MultiDict[str, str] | None = None
) -> NamesForm:
    """Make the form for the columns of one file. `guesses` says what each column probably contains.
    The form shows these guesses, unless this request or `kept` has the organiser's own choices.
    `name` is the file's name in the new form.

    `kept` is for a request that does not send the form. It has the values from the last time that
    the form was sent, or is None.
    """
    targets = [_target_of(guess) for guess in guesses]
    if "external_id" not in targets and "phone" not in targets:
        targets[0] = "external_id"
    fields = {
        f"column_{guess.index}": SelectField(
            guess.header,
            choices=[SelectChoice(key, label) for key, label in _CHOICES.items()],
            default=target,
        )
        for guess, target in zip(guesses, targets, strict=True)
    }
    form_class = type("NamesInThisFile", (NamesForm,), fields)
    form: NamesForm = form_class(kept, name=name) if kept else form_class(name=name)
    form.guesses = guesses
    for field in form:
        field.errors = list(field.errors)
    return form


def _target_of(guess: ColumnGuess) -> str:
    if guess.target in PHONE_TARGETS:
        return "phone"
    return guess.target if guess.target in _CHOICES else IGNORE
