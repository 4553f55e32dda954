"""The forms of the contact lists' pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from werkzeug.datastructures import MultiDict
from wtforms import DateField, RadioField, SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional

from phonebank.core.edit_form import EditForm
from phonebank.core.errors import InvalidInputError
from phonebank.csv_input.column_guesses import ColumnGuess
from phonebank.csv_input.column_mapping import (
    FIELD,
    FIELDS,
    Actions,
    Mapping,
    faults_of,
    field_target,
)
from phonebank.csv_input.yes_no_columns import MARKS, Action
from phonebank.lists import screening
from phonebank.lists.import_check import Fate, ImportCheck
from phonebank.lists.known_people import name_of_part, part_of, updatable_targets
from phonebank.lists.screening import LONGEST_REASON
from phonebank.lists.services import PRIORITIES
from phonebank.lists.yes_no_counts import MOST_VALUES, MarkCounts, Value, needs_agreement
from phonebank.models import Account, Campaign, ContactList
from phonebank.suppressions.batches import REASONS_TO_LIFT_MANY

# The pages use these names for the actions.
ACTIONS = {
    Action.SUPPRESS: "Do not call",
    Action.CALL: "May be called",
    Action.DROP_NUMBER: "Leave the number out",
    Action.SET_ASIDE: "Set the row aside",
}
# In a column that says which numbers do not work, the pages use this name for CALL.
NUMBER_WORKS = "The number works"


class UploadForm(FlaskForm):
    """The form that uploads the file of a contact list."""

    file = FileField(
        "The file",
        description="Excel (.xlsx), OpenDocument (.ods), CSV, or text with tabs or semicolons. The "
        "first row names the columns. Up to 512 MB.",
        validators=[FileRequired("Choose a file first.")],
    )


SCREENING_CHOICES = [
    SelectChoice("screened", "Yes, on this day"),
    SelectChoice("not_needed", "No, it doesn't need to be"),
]


class _AfterYes(Optional):
    """A validator that accepts an empty field. `Optional` does so too, but also makes the page call
    the field optional. After the answer "yes", the field must be filled in. `ScreeningForm.attest`
    checks that."""

    def __init__(self) -> None:
        super().__init__()
        self.field_flags: dict[str, bool] = {}


class ScreeningForm(FlaskForm):
    """The form in which an organiser says whether a list was screened, and on which day. To screen
    a list means to compare it with the country's register of people who do not want calls."""

    how = RadioField(
        "Was this list screened?",
        choices=SCREENING_CHOICES,
        validators=[DataRequired("Choose one.")],
    )
    screened_on = DateField("If yes: the day of the screening", validators=[_AfterYes()])
    reason = StringField(
        "If it doesn't need to be screened: why not",
        description="For example: everyone on the list agreed to our calls, or our calls "
        "promote nothing. The reason also covers people whom other software adds to this list "
        "later. We keep the reason with your name.",
        validators=[Length(max=LONGEST_REASON)],
    )

    @property
    def says_something(self) -> bool:
        """Whether the organiser has answered the question, and has not chosen to answer later."""
        return self.how.data in ("screened", "not_needed")

    def attest(self, contact_list: ContactList, campaign: Campaign, account: Account) -> None:
        """Store what the organiser says in this form. Raises InvalidInputError if an answer is
        missing or can't be used. Raises ConflictError in the same cases as `screening.attest`."""
        screened = self.how.data == "screened"
        if not self.how.validate(self):
            raise InvalidInputError("Choose whether the list was screened.")
        if screened and self.screened_on.data is None:
            raise InvalidInputError("Enter the day on which the list was screened.")
        day = self.screened_on.data if screened else None
        screening.attest(contact_list, campaign, day, account, self.reason.data or "")


class ScreeningBeforeImportForm(ScreeningForm):
    """The form that is shown before a list is imported. It asks whether the list was screened
    against the register of people who do not want calls. The organiser may answer later."""

    how = RadioField(
        "Was this list screened?",
        choices=[
            *SCREENING_CHOICES,
            SelectChoice(
                "later", "We'll say so later. Until then, callers get nobody from this list"
            ),
        ],
        default="later",
        validators=[DataRequired("Choose one.")],
    )


class UndoForm(FlaskForm):
    """The form that asks why an organiser undoes an upload that put numbers on the do-not-call
    list."""

    why = SelectField(
        "Why?",
        choices=[SelectChoice(key, label) for key, label in REASONS_TO_LIFT_MANY.items()],
        description="We keep this reason and your name with the upload.",
    )


def _priority_field() -> SelectField:
    return SelectField(
        "Priority among your lists",
        choices=[SelectChoice(number, label) for number, label in PRIORITIES.items()],
        coerce=int,
        default=0,
        description="Callers get people from higher-priority lists first.",
    )


class PriorityForm(EditForm):
    """The form for a list's priority among the campaign's lists."""

    priority = _priority_field()


class ColumnsForm(FlaskForm):
    """The form in which an organiser says what each column of a file contains. `columns_form` makes
    the form for one file.

    The form has one select field for each column. It also has one for each value in a yes-or-no
    column, unless the column has too many values.
    """

    counts: MarkCounts
    priority = _priority_field()
    # If so many rows would go on the do-not-call list that the organiser must agree: their number.
    # Otherwise None.
    asked_about: int | None = None
    suppress_rows = StringField("Yes, put them all on the do-not-call list")
    # The token of the columns and choices that the page showed to the organiser. It comes from
    # `import_check.token_of`, or is "nothing" if the page showed no result.
    checked = StringField()
    # How many refused rows the organiser agreed to leave out.
    leave_out = StringField("Yes, leave out the refused rows and import the others")
    # The token of the columns and choices in this form, or "" if nothing was checked.
    token = ""
    # The parts of a person's data that are updated if the person is already in the campaign. Each
    # part is named by one of its targets.
    update = SelectMultipleField(
        "What should be updated?", choices=[], validate_choice=False, default=[]
    )
    empties = SelectField(
        "Empty cells",
        choices=[
            SelectChoice("", "Choose…"),
            SelectChoice("keep", "Keep the values that we have"),
            SelectChoice("empty", "Delete the values here too"),
        ],
        default="",
    )

    name = StringField(
        "Name of this list",
        description="Organisers see this name. Callers never do.",
        validators=[DataRequired("Give the list a name."), Length(max=120)],
        filters=[lambda name: name and name.strip()],
    )

    def columns(self) -> list[SelectField]:
        """Return the select fields for the columns, in the file's order."""
        return [field for field in self if field.name.startswith("column_")]

    def targets(self) -> list[str]:
        """Return, for each column, the target that the organiser chose. A target says what a column
        contains, such as "phone"."""
        return [field.data for field in self.columns()]

    def values_of(self, column: int) -> list[ValueField]:
        """Return the select fields for the values of one yes-or-no column, most frequent value
        first."""
        return [field for field in self.value_fields() if field.column == column]

    def value_fields(self) -> list[ValueField]:
        """Return the select fields for the values of all yes-or-no columns."""
        return [field for field in self if isinstance(field, ValueField)]

    def actions(self) -> Actions:
        """Return the chosen action for each value, by column. For a value without a choice, the
        action is ASK."""
        actions: Actions = {}
        for field in self.value_fields():
            actions.setdefault(str(field.column), {})[field.value.key] = field.data or Action.ASK
        return actions

    def update_targets(self) -> list[str]:
        """Return the targets (kinds of data, such as "phone") that the organiser chose to update.
        The import updates them for people who are already in the campaign."""
        offered = updatable_targets(Mapping.of(["" for _ in self.targets()], self.targets()))
        chosen = {part_of(target) for target in self.update.data or ()}
        return [target for target in offered if part_of(target) in chosen]

    def update_choices(self) -> list[tuple[str, str]]:
        """Return the parts of a person's data that the import can update. Each part is a pair: a
        target, and the part's name on the page. If several targets belong to one part, the pair has
        the first of them."""
        offered = updatable_targets(Mapping.of(["" for _ in self.targets()], self.targets()))
        parts = {part_of(target): target for target in reversed(offered)}
        return [(target, name_of_part(target)) for target in reversed(parts.values())]

    def agreed_rows(self) -> int | None:
        """Return how many rows the organiser agreed to put on the do-not-call list, or None if the
        organiser did not agree."""
        return _whole_number(self.suppress_rows.data)

    def empties_values(self) -> bool:
        """Whether an empty cell deletes the stored value of a person who is already in the
        campaign."""
        return bool(self.empties.data == "empty")

    def is_agreed(self, check: ImportCheck) -> bool:
        """Whether the organiser has agreed to everything that the import of this file would do.

        The field `checked` says for which columns and choices the page showed what the import would
        do. The columns and choices must be the same now. If many rows would be refused, the
        organiser must have agreed to leave them out. If empty cells could delete stored values, the
        organiser must have chosen whether they do. If the result is False, the form's errors say
        what the organiser must do next.
        """
        if self.checked.data != self.token:
            self.form_errors.append(
                "Nothing is imported yet. “What will happen” below shows what these columns do. "
                "If that is right, press “Check and import” again."
            )
        refused = check.count(Fate.REFUSED)
        if check.needs_agreement and _whole_number(self.leave_out.data) != refused:
            self.leave_out.errors = [
                f"{refused:,} of {check.rows:,} rows would be refused. If that is right, tick the "
                "box below and press “Check and import” again. Otherwise correct the columns or "
                "the file."
            ]
        if check.emptied and not self.empties.data:
            self.empties.errors = [
                f"Empty cells in this file, for values that we have: {check.emptied:,}. "
                "Choose what to do."
            ]
        return not self.errors

    def is_usable_for(self, headers: Sequence[str]) -> bool:
        """Whether the columns can be used together, and each value of a yes-or-no column has an
        action. No yes-or-no column may have too many values. If the numbers of many rows would go
        on the do-not-call list, the organiser must also have agreed to that.

        If the result is False, the errors of the fields and of the form say what is wrong.
        """
        mapping = Mapping.of(headers, self.targets(), self.actions())
        return self._columns_fit(mapping) and self._marks_are_decided(mapping)

    def _marks_are_decided(self, mapping: Mapping) -> bool:
        columns = self.columns()
        for column in self.counts.too_many:
            columns[column].errors.append(
                f"“{mapping.header(column)}” has more than {MOST_VALUES} different values, so it "
                "is probably not a yes-or-no column. Choose something else for it. Or change its "
                "values to yes or no and upload the file again."
            )
        unseen = False
        for field in self.value_fields():
            if field.raw_data and not field.data:
                field.errors.append(
                    f"Say what “{field.value.shown}” means in “{mapping.header(field.column)}”."
                )
            unseen = unseen or not field.raw_data
        if unseen and not self.counts.too_many:
            self.form_errors.append(
                "Check what each value of the yes-or-no columns means, then press “Check and "
                "import” again."
            )
        if self.errors:
            return False
        rows = sum(count for _, count in self.counts.together)
        suppressed = self.counts.count_suppressed(mapping)
        if needs_agreement(suppressed, rows) and self.agreed_rows() != suppressed:
            self.asked_about = suppressed
            self.suppress_rows.errors = [
                f"{suppressed:,} of {rows:,} people would go on the do-not-call list, in every "
                "campaign. If that is right, tick the box below and press “Check and import” "
                "again."
            ]
            return False
        return True

    def _columns_fit(self, mapping: Mapping) -> bool:
        faults = faults_of(mapping)
        columns = self.columns()
        for fault in faults:
            # If two columns have the same target, only the second shows the message.
            where = columns[fault.columns[-1]].errors if fault.columns else self.form_errors
            where.append(fault.message)
        return not faults


def _whole_number(said: str | None) -> int | None:
    said = said or ""
    return int(said) if said.isascii() and said.isdigit() else None


class ValueField(SelectField):
    """The field in which an organiser chooses an action. The action is for the rows that have a
    certain value in a yes-or-no column."""

    def __init__(self, *args: Any, column: int = 0, value: Value, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.column = column
        self.value = value


def columns_form(
    guesses: Iterable[ColumnGuess],
    name: str,
    mapping: Mapping,
    counts: MarkCounts,
    kept: MultiDict[str, str] | None = None,
) -> ColumnsForm:
    """Make the form for the columns of one file. `guesses` says what each column probably contains.
    The form shows these guesses, unless this request or `kept` has the organiser's own choices.
    `name` is the list's name in the new form.

    `mapping` has each column's target (what the column contains, such as "phone"), as guessed or as
    sent in the form. `counts` has the values in the yes-or-no columns, and how many rows have each
    value. `kept` is for a request that does not send the form. It has the values from the last time
    that the form was sent, or is None.
    """
    fields: dict[str, SelectField] = {f"column_{guess.index}": _column(guess) for guess in guesses}
    for column, values in counts.columns.items():
        if column not in counts.too_many:
            for value in values:
                fields[_name_of(column, value)] = _value(mapping, column, value)
    form_class = type("ColumnsOfThisFile", (ColumnsForm,), fields)
    form: ColumnsForm = form_class(kept, name=name) if kept else form_class(name=name)
    form.counts = counts
    for field in form:
        field.errors = list(field.errors)
    return form


def _name_of(column: int, value: Value) -> str:
    return f"value_{column}_{sha256(value.key.encode()).hexdigest()[:16]}"


def _value(mapping: Mapping, column: int, value: Value) -> ValueField:
    target = mapping.targets[column]
    labels = ACTIONS | ({Action.CALL: NUMBER_WORKS} if target == "bad_number" else {})
    choices = [SelectChoice(action, labels[action]) for action in MARKS[target]]
    if value.reading is Action.ASK:
        choices.insert(0, SelectChoice("", "Choose…"))
    return ValueField(
        f"{mapping.header(column)}: {value.shown}",
        column=column,
        value=value,
        choices=choices,
        default="" if value.reading is Action.ASK else value.reading,
    )


def _column(guess: ColumnGuess) -> SelectField:
    choices = [SelectChoice(target, label) for target, label in FIELDS.items()]
    keep = field_target(guess.header)
    if keep != FIELD:
        choices.append(SelectChoice(keep, f"Keep as “{keep.removeprefix(FIELD)}”"))
    return SelectField(guess.header, choices=choices, default=guess.target)
