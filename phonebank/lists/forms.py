"""The forms of the contact lists' pages."""

from collections.abc import Iterable, Sequence

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length

from phonebank.lists.mapping import FIELD, FIELDS, ColumnGuess, Mapping, as_field, check
from phonebank.lists.verbs import PRIORITIES


class UploadForm(FlaskForm):
    file = FileField(
        "The file",
        description="CSV, or text with tabs or semicolons, with column names in its first row. "
        "Up to 512 MB.",
        validators=[FileRequired("Choose a file first.")],
    )


class PriorityForm(FlaskForm):
    priority = SelectField(
        "When to ring it",
        choices=[SelectChoice(number, label) for number, label in PRIORITIES.items()],
        coerce=int,
        default=0,
        description="Against the campaign's other lists.",
    )


class ColumnsForm(PriorityForm):
    """One select for each column besides; make with `columns_form`."""

    name = StringField(
        "Name of this list",
        description="Shown to organisers, never to callers.",
        validators=[DataRequired("Give the list a name."), Length(max=120)],
        filters=[lambda name: name and name.strip()],
    )

    def columns(self) -> list[SelectField]:
        return [field for field in self if field.name.startswith("column_")]

    def targets(self) -> list[str]:
        """What each column is, as chosen."""
        return [field.data for field in self.columns()]

    def is_usable_for(self, headers: Sequence[str]) -> bool:
        """Whether the columns chosen make sense together; each fault goes beside its column."""
        faults = check(Mapping.of(headers, self.targets()))
        columns = self.columns()
        for fault in faults:
            # Of two columns that are one thing the later is marked: said twice, it looks like two.
            where = columns[fault.columns[-1]].errors if fault.columns else self.form_errors
            where.append(fault.message)
        return not faults


def columns_form(guesses: Iterable[ColumnGuess], name: str) -> ColumnsForm:
    """The form for the columns of one file, as guessed."""
    fields = {f"column_{guess.index}": _column(guess) for guess in guesses}
    form_class = type("ColumnsOfThisFile", (ColumnsForm,), fields)
    form: ColumnsForm = form_class(name=name)
    for field in form.columns():
        field.errors = list(field.errors)
    return form


def _column(guess: ColumnGuess) -> SelectField:
    choices = [SelectChoice(target, label) for target, label in FIELDS.items()]
    keep = as_field(guess.header)
    if keep != FIELD:
        choices.append(SelectChoice(keep, f"Keep as “{keep.removeprefix(FIELD)}”"))
    return SelectField(guess.header, choices=choices, default=guess.target)
