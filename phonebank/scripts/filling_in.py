"""What a campaign's own merge fields hold, filled in by several people. Pages commit."""

from collections.abc import Iterable, Mapping

from phonebank.locks import lock_row
from phonebank.models import Campaign

LONGEST_VALUE = 200  # characters, as merge_fields cuts them


def fill_in(campaign: Campaign, names: Iterable[str], form: Mapping[str, str]) -> None:
    """Keep what somebody changed of these merge fields: `value-…` of the form, where the page that
    they filled in had `was-…`.

    What the page did not have, or had and nobody changed in it, stays: a colleague may have filled
    it in meanwhile.
    """
    # Two who save at once take turns.
    lock_row(campaign)
    values = dict(campaign.merge_values)
    for name in names:
        typed = _on_one_line(form.get(f"value-{name}"))
        if typed is not None and typed != _on_one_line(form.get(f"was-{name}")):
            values[name] = typed
    campaign.merge_values = {name: value for name, value in values.items() if value}


def _on_one_line(text: str | None) -> str | None:
    return None if text is None else " ".join(text.split())[:LONGEST_VALUE]
