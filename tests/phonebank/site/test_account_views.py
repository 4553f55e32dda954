"""A person's own account page."""

from flask.testing import FlaskClient

from tests.signing_in import sign_in


def test_a_name_can_be_changed_and_not_emptied(client: FlaskClient, cy: int) -> None:
    sign_in(client, cy)
    assert client.post("/account", data={"name": "  Cyrus \n of  Ur "}).status_code == 302
    assert 'value="Cyrus of Ur"' in client.get("/account").text
    refused = client.post("/account", data={"name": "   "})
    assert refused.status_code == 422
    assert "Type a name." in refused.text
