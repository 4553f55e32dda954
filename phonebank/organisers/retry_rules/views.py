"""The page of a campaign's retry rules, which say when people are called again."""

from typing import Any

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user
from wtforms import BooleanField, SelectField, StringField

from phonebank.audit.record import record_audit
from phonebank.core.access import open_to
from phonebank.core.db import db
from phonebank.core.edit_form import EditForm
from phonebank.core.errors import InvalidInputError
from phonebank.core.scopes import campaign_for
from phonebank.models import Campaign, RoleName
from phonebank.rules.outcomes import OUTCOMES, RETRIED
from phonebank.rules.retry_presets import PRESETS
from phonebank.rules.retry_rules import (
    UNITS,
    RetryRules,
    RetryRulesError,
    duration_in_words,
    in_largest_unit,
    rule_in_words,
)

retry_rules = Blueprint(
    "retry_rules",
    __name__,
    url_prefix="/campaigns/<int:campaign_id>/retry-rules",
)

# The outcomes are in the order of the buttons on the caller's screen.
RULED = tuple(key for key in OUTCOMES if key in RETRIED)
RULES_STAY = (
    "Someone has changed these rules since you opened this page, so yours were not replaced. Check"
    " the rules as they are now, then press the button again."
)
# The most digits that a number may have. A longer number stays text, and `RetryRules.parse` refuses
# it.
_DIGITS = 6


def init_app(app: Flask) -> None:
    """Add the page of retry rules."""
    app.register_blueprint(retry_rules)


class RetryRulesForm(EditForm):
    """The form for retry rules. It has fields for the rules about all calls. For every outcome in
    RULED, it also has the fields in `_OUTCOME_FIELDS`, and the unit of the wait."""

    attempts_at_most = StringField(
        "Maximum attempts",
        description="After this many, we don't call the person again in this campaign, unless they "
        "have asked us to call back at a certain time.",
    )
    attempts_a_day_at_most = StringField(
        "Maximum attempts a day",
        description="Up to 3, because the German trade code and the laws of two American states "
        "allow no more.",
    )
    household_rest = StringField(
        "Wait for others on the same number",
        description="How long the others wait after a call that someone answered. After an "
        "unanswered call, they wait as long as the person who was called.",
    )
    household_unit = SelectField("Unit of the wait for others", choices=list(UNITS))

    def as_json(self) -> dict[str, Any]:
        """Return the typed rules in the form that `RetryRules.parse` reads. `RetryRules.parse` then
        checks the rules."""
        return {
            "attempts_at_most": _number(self.attempts_at_most.data),
            "attempts_a_day_at_most": _number(self.attempts_a_day_at_most.data),
            "household_rest_minutes": _minutes(self.household_rest.data, self.household_unit.data),
            "outcomes": {
                key: {
                    "rest_minutes": _minutes(self[f"{key}_rest"].data, self[f"{key}_unit"].data),
                    "another_time_of_day": self[f"{key}_elsewhen"].data,
                    "retries_at_most": _number(self[f"{key}_retries"].data, may_be_empty=True),
                    "a_day_at_most": _number(self[f"{key}_a_day"].data, may_be_empty=True),
                }
                for key in RULED
            },
        }

    def show_faults(self, fault: RetryRulesError) -> None:
        """Add each sentence of the error to the field that the sentence is about, so that the page
        shows the two together."""
        for place, sentence in fault.faults.items():
            field = self[_FIELD_OF_PLACE[place]]
            field.errors = [*field.errors, sentence]


# For each field of an outcome's rule: the end of the field's name in the form, its name in the
# rules, and its label.
_OUTCOME_FIELDS = (
    ("rest", "rest_minutes", "Wait"),
    ("elsewhen", "another_time_of_day", "At another time of day"),
    ("retries", "retries_at_most", "Maximum further tries"),
    ("a_day", "a_day_at_most", "Maximum tries a day"),
)
_FIELD_OF_PLACE = {
    "attempts_at_most": "attempts_at_most",
    "attempts_a_day_at_most": "attempts_a_day_at_most",
    "household_rest_minutes": "household_rest",
} | {f"{key}.{rule}": f"{key}_{name}" for key in RULED for name, rule, _ in _OUTCOME_FIELDS}

for _key in RULED:
    for _name, _rule, _label in _OUTCOME_FIELDS:
        _field: Any = BooleanField if _name == "elsewhen" else StringField
        setattr(RetryRulesForm, f"{_key}_{_name}", _field(_label))
    setattr(RetryRulesForm, f"{_key}_unit", SelectField("Unit of the wait", choices=list(UNITS)))


@retry_rules.route("", methods=["GET", "POST"])
@open_to(RoleName.ORGANISER)
def edit(campaign_id: int) -> ResponseReturnValue:
    """Show the rules. A POST changes the rules. It changes nothing if a typed rule is not valid, or
    if somebody else has changed the same rule since the page was opened. A change applies from the
    next recorded outcome on."""
    campaign = campaign_for(current_user, campaign_id, to_change=request.method == "POST")
    stored = RetryRules.parse(campaign.retry_rules)
    form = RetryRulesForm(data=_as_fields(stored))
    status = 200
    if form.is_submitted():
        status = 422
        if form.validate():
            try:
                changes = RetryRules.parse(form.as_json()).changes()
            except RetryRulesError as fault:
                form.show_faults(fault)
            else:
                if not form.is_overtaken():
                    _change(campaign, changes)
                    db.session.commit()
                    flash("Saved. The rules apply from the next outcome.", "success")
                    return redirect(_back(campaign), 303)
    page = render_template(
        "retry_rules/form.html",
        form=form,
        campaign=campaign,
        outcomes=[OUTCOMES[key] for key in RULED],
        usual={key: rule_in_words(RetryRules.default().retries[key]) for key in RULED},
        rules=stored,
        now={key: rule_in_words(stored.retries[key]) for key in RULED},
        household_wait=duration_in_words(stored.household_rest_minutes),
        presets=PRESETS,
        chosen=next((key for key, one in PRESETS.items() if one.rules == stored), None),
        changed=set(stored.changes().get("outcomes", {})),
        is_changed=bool(stored.changes()),
    )
    return page, status


@retry_rules.post("/usual")
@open_to(RoleName.ORGANISER)
def back_to_usual(campaign_id: int) -> ResponseReturnValue:
    """Reset the rules to the defaults, unless somebody has changed the rules since the page was
    opened."""
    return _take(campaign_id, "usual", "The usual rules apply again.")


@retry_rules.post("/preset")
@open_to(RoleName.ORGANISER)
def preset(campaign_id: int) -> ResponseReturnValue:
    """Replace the rules with the chosen preset (ready-made rules), unless somebody has changed the
    rules since the page was opened. Raises InvalidInputError if there is no such preset."""
    key = request.form.get("preset", "")
    if key not in PRESETS:
        raise InvalidInputError("There are no such rules.", "Choose ready-made rules on the page.")
    said = f"The rules “{PRESETS[key].name}” apply from the next outcome."
    return _take(campaign_id, key, said)


def _take(campaign_id: int, key: str, said: str) -> ResponseReturnValue:
    """Replace the rules with a preset (ready-made rules). If somebody has changed the rules since
    the page was opened, replace nothing. `said` is the message after the change."""
    campaign = campaign_for(current_user, campaign_id, to_change=True)
    stored = RetryRulesForm(formdata=None, data=_as_fields(RetryRules.parse(campaign.retry_rules)))
    if not stored.is_as_shown(request.form.get("seen")):
        flash(RULES_STAY, "error")
        return redirect(_back(campaign), 303)
    _change(campaign, PRESETS[key].rules.changes())
    db.session.commit()
    flash(said, "success")
    return redirect(_back(campaign), 303)


def _change(campaign: Campaign, rules: dict[str, Any]) -> None:
    record_audit(
        "retry rules changed",
        account=current_user,
        campaign=campaign,
        before=campaign.retry_rules,
        after=rules,
    )
    campaign.retry_rules = rules


def _back(campaign: Campaign) -> str:
    return url_for(".edit", campaign_id=campaign.id)


def _as_fields(rules: RetryRules) -> dict[str, Any]:
    rest, unit = in_largest_unit(rules.household_rest_minutes)
    fields: dict[str, Any] = {
        "attempts_at_most": rules.attempts_at_most,
        "attempts_a_day_at_most": rules.attempts_a_day_at_most,
        "household_rest": rest,
        "household_unit": unit,
    }
    for key in RULED:
        rule = rules.retries[key]
        fields[f"{key}_rest"], fields[f"{key}_unit"] = in_largest_unit(rule.rest_minutes)
        fields[f"{key}_elsewhen"] = rule.another_time_of_day
        fields[f"{key}_retries"] = rule.retries_at_most
        fields[f"{key}_a_day"] = rule.a_day_at_most
    return fields


def _number(typed: str | None, may_be_empty: bool = False) -> int | str | None:
    """Return the typed whole number if it has at most _DIGITS digits. Otherwise return the text
    without spaces at its ends, which `RetryRules.parse` then refuses. If `may_be_empty` is true,
    return None for an empty field."""
    text = str(typed or "").strip()
    if not text:
        return None if may_be_empty else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else text


def _minutes(typed: str | None, unit: str) -> int | str | None:
    number = _number(typed)
    return number * UNITS[unit] if isinstance(number, int) else number
