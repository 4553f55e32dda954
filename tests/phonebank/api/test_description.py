"""Other software can rely on the description of the API: schemathesis tries requests of all kinds,
and checks each answer against it."""

import os
from typing import Any

import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings

from phonebank.core.db import db
from tests.factories import create_contact
from tests.phonebank.api.clients import api_client
from tests.phonebank.exports.room import create_room, make_call

# For each address. `API_EXAMPLES=500` tries for minutes.
EXAMPLES = int(os.environ.get("API_EXAMPLES", "10"))
# No schema can say which texts are cursors, so some texts that fit the schema are refused.
EXCLUDED = [schemathesis.checks.positive_data_acceptance]


def test_every_answer_is_as_the_description_says(app_context: Flask, monkeypatch) -> None:
    monkeypatch.setattr("phonebank.api.authorise.RATE", "100000 per minute")
    room = create_room()
    for at in range(3):
        create_contact(room.contact_list, external_id=f"E{at}", fields={"ward": "North"})
    make_call(room, "talked", {"vote": "ours"})
    db.session.commit()
    secret = api_client(app_context, room.campaign).secret
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app_context)
    headers = {"Authorization": f"Bearer {secret}"}
    tried = set()
    for result in schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]

        @settings(
            max_examples=EXAMPLES,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        @given(case=operation.as_strategy())
        def answers(case):
            case.call_and_validate(headers=headers, excluded_checks=EXCLUDED)

        answers()
        tried.add(operation.label)
    assert {"GET /api/v1/contacts", "GET /api/v1/outcomes"} <= tried
