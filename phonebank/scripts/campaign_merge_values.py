"""Save the values of a campaign's merge fields, without overwriting what another organiser has
saved meanwhile.

These functions do not commit.
"""

from collections.abc import Iterable, Mapping

from phonebank.core.locks import lock_row
from phonebank.models import Campaign

MAX_VALUE_LENGTH = 200  # characters; merge_fields cuts values at the same length


def save_values(
    campaign: Campaign, names: Iterable[str], form: Mapping[str, str]
) -> dict[str, str]:
    """Save the merge values that the form changed, and return the conflicts.

    For each field, `value-NAME` in the form is the new value, and `was-NAME` is the value that the
    page showed. If the form lacks a value or did not change it, the stored value stays, because a
    colleague may have changed it since the page was shown.

    A conflict is a field to which the form and a colleague gave different new values. The result
    maps the name of each such field to the colleague's value. If there are conflicts, nothing is
    saved.
    """
    # The lock makes two organisers who save at once take turns.
    lock_row(campaign)
    changed = changed_values(names, form)
    conflicts = {}
    for name, typed in changed.items():
        stored = _single_line(campaign.merge_values.get(name, "")) or ""
        if stored not in (typed, _single_line(form.get(f"was-{name}", stored))):
            conflicts[name] = stored
    if not conflicts:
        values = campaign.merge_values | changed
        campaign.merge_values = {name: value for name, value in values.items() if value}
    return conflicts


def changed_values(names: Iterable[str], form: Mapping[str, str]) -> dict[str, str]:
    """Return the fields that the form changed, with their new values. `save_values` explains the
    form."""
    changed = {}
    for name in names:
        typed = _single_line(form.get(f"value-{name}"))
        if typed is not None and typed != _single_line(form.get(f"was-{name}")):
            changed[name] = typed
    return changed


def _single_line(text: str | None) -> str | None:
    return None if text is None else " ".join(text.split())[:MAX_VALUE_LENGTH]
