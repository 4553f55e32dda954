"""E-mail addresses: each has one stored form for all spellings, and other texts are refused."""

import pytest

from phonebank.core.email_address import normalise_email
from phonebank.core.errors import InvalidInputError


@pytest.mark.parametrize(
    "typed",
    ["cy@example.org", " CY@Example.ORG\n", "\uff43\uff59@example.org", "cy@example\u3002org"],
)
def test_spellings_of_one_address_have_one_form(typed: str) -> None:
    assert normalise_email(typed) == "cy@example.org"


@pytest.mark.parametrize(
    "typed",
    ["", "cy", "cy@example", "x" * 250 + "@example.org", "cy@exa mple.org", "cy\n@example.org"],
)
def test_malformed_addresses_are_refused(typed: str) -> None:
    with pytest.raises(InvalidInputError, match="isn't an e-mail address"):
        normalise_email(typed)
