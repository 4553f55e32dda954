"""What a campaign's own merge fields hold, filled in by several people. Pages commit."""

from collections.abc import Iterable, Mapping

from phonebank.core.locks import lock_row
from phonebank.models import Campaign

MAX_VALUE_LENGTH = 200  # characters, as merge_fields cuts them


def fill_in(campaign: Campaign, names: Iterable[str], form: Mapping[str, str]) -> dict[str, str]:
    """Keep what somebody changed of these merge fields: `value-…` of the form, where the page that
    they filled in had `was-…`.

    What the page did not have, or had and nobody changed in it, stays: a colleague may have filled
    it in meanwhile. Returns the fields that both of them changed, with what the colleague wrote;
    where there are any, nothing is kept yet.
    """
    # Two who save at once take turns.
    lock_row(campaign)
    changed = changed_values(names, form)
    overtaken = {}
    for name, typed in changed.items():
        there = _single_line(campaign.merge_values.get(name, "")) or ""
        if there not in (typed, _single_line(form.get(f"was-{name}", there))):
            overtaken[name] = there
    if not overtaken:
        values = campaign.merge_values | changed
        campaign.merge_values = {name: value for name, value in values.items() if value}
    return overtaken


def changed_values(names: Iterable[str], form: Mapping[str, str]) -> dict[str, str]:
    """The fields that somebody changed in the form, with what they typed."""
    changed = {}
    for name in names:
        typed = _single_line(form.get(f"value-{name}"))
        if typed is not None and typed != _single_line(form.get(f"was-{name}")):
            changed[name] = typed
    return changed


def _single_line(text: str | None) -> str | None:
    return None if text is None else " ".join(text.split())[:MAX_VALUE_LENGTH]
