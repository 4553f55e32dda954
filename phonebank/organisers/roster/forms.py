"""The form for a caller's filters, which decide which contacts the caller may get. Also the form
for a campaign's pace limits."""

from typing import Any

from wtforms import IntegerField, SelectField, SelectMultipleField
from wtforms.validators import InputRequired, NumberRange
from wtforms.widgets import CheckboxInput, ListWidget

from phonebank.core.edit_form import EditForm
from phonebank.models import Campaign
from phonebank.roster.pace import BUDGET_AT_MOST, BUDGETS, KINDS, NEWCOMERS


class FiltersForm(EditForm):
    """The form for a caller's filters. It has tick boxes for languages and for lists. It also has a
    menu of the campaign's people filters, which choose people by area, tag or column.

    If no list is ticked, the caller may get people on every list. If no language is ticked, the
    caller gets contacts in the languages that a new caller gets.
    """

    languages = SelectMultipleField(
        "Languages they speak",
        description="Callers choose these before they start calling, and can change them later.",
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    lists = SelectMultipleField(
        "Only people on these lists",
        description="If you tick none, this caller can get people from every list.",
        coerce=int,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    people = SelectField(
        "Which people",
        description="A filter from “Whom to call”. It replaces the party's filter.",
        coerce=int,
        choices=[],
    )


class PaceForm(EditForm):
    """The form for pace limits, such as how many people a caller may see within a given time. For
    each key of BUDGETS, it has a field for a whole number.

    The loop at the end of this module adds the fields.
    """

    def values(self) -> dict[str, Any]:
        """Return the typed limits. Each key is the name of a column of Campaign, and each value is
        the limit."""
        return {key: self[key].data for key in BUDGETS}


_LABELS_AND_REASONS = {key: (kind.label, kind.why) for key, kind in KINDS.items()} | {
    NEWCOMERS: (
        "People an hour for all new callers from one address",
        "Every new phone counts as a new caller with its own limits. Once the callers who joined "
        "from one internet address within an hour have together seen this many people, the next "
        "callers from there wait until a host or an organiser lets them in.",
    )
}
for _key in BUDGETS:
    _label, _reason = _LABELS_AND_REASONS[_key]
    _usual = Campaign.__table__.c[_key].default.arg
    _field = IntegerField(
        _label,
        [
            InputRequired("Write a whole number."),
            NumberRange(1, BUDGET_AT_MOST, f"Write a number from 1 to {BUDGET_AT_MOST:,}."),
        ],
        description=f"{_reason} Usually {_usual}.",
    )
    setattr(PaceForm, _key, _field)
