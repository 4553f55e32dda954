"""The dialler is at least as strict as each country's rules."""

import pytest

from phonebank.dialler.conclude import REST_AFTER_ABANDONED
from phonebank.dialler.dial import RINGS_AT_LEAST
from phonebank.dialler.people import NOBODY_AFTER
from phonebank.rules.countries import countries, rules_for


@pytest.mark.parametrize("country", countries())
def test_the_dialler_keeps_what_the_rules_of_a_country_ask(country: str) -> None:
    asked = rules_for(country).machine_calls
    assert asked.ring_at_least_seconds.value <= RINGS_AT_LEAST
    assert asked.seconds_to_message.value >= NOBODY_AFTER.total_seconds()
    assert asked.redial_after_hours.value <= REST_AFTER_ABANDONED.total_seconds() / 3600
