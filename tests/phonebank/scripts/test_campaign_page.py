"""A campaign's own page says which script its callers have."""

from tests.phonebank.scripts.conftest import Desk


def test_the_campaigns_page_names_its_script(desk: Desk) -> None:
    page = desk.client.get(f"/campaigns/{desk.campaign_id}").text
    assert "<strong>Voter identification</strong> (English), 13 steps." in page
