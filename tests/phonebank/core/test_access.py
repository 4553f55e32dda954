"""Every route and every socket event has a rule, and the app keeps to the rule.

The sweeps send real requests to every route, with the ids of rows that exist, so that no route
passes only because there was nothing behind it.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from socketio import Client
from socketio.exceptions import ConnectionError
from sqlalchemy import text
from werkzeug.routing import Rule
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from phonebank.app import create_app
from phonebank.core import access
from phonebank.core.access import ANYONE, CALLER, RULES, SIGNED_IN, TOKEN, TV, open_to, rule_of
from phonebank.core.config import Config
from phonebank.core.db import db
from phonebank.core.errors import NotAllowedError, SignInRequiredError
from phonebank.live.server import heard_events, socketio
from phonebank.models import Base, RoleName
from tests.factories import (
    create_account,
    create_caller,
    create_campaign,
    create_contact,
    create_list,
    create_party,
    create_script,
)
from tests.route_addresses import address
from tests.signing_in import sign_in

# Pages of a sign-in under way. They open to a person who has just used a link, and turn others away
# themselves.
BETWEEN_LINK_AND_SIGN_IN = {
    "accounts.two_factor_token_validation",
    "accounts.two_factor_setup",
    "accounts.mf_recovery",
}

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def routes(app: Flask, *rules: str | None) -> Iterator[Rule]:
    """The routes of the app with one of the rules; all routes if no rules are given."""
    for route in app.url_map.iter_rules():
        if not route.build_only and (not rules or rule_of(app, route.endpoint) in rules):
            yield route


def without_rule(app: Flask) -> list[str]:
    """The endpoints without a known rule."""
    return sorted({r.endpoint for r in routes(app) if rule_of(app, r.endpoint) not in RULES})


def unguarded_events(server: Any) -> list[tuple[str, str]]:
    """The socket events with no known rule, or whose handler does not go through the guard."""
    return sorted(
        (namespace, event)
        for namespace, events in server.handlers.items()
        for event, handler in events.items()
        if getattr(handler, "access_rule", None) not in RULES
        or heard_events.get((namespace, event)) != handler.access_rule
    )


def asks(route: Rule, *methods: str) -> list[str]:
    return [method for method in methods if method in (route.methods or ())]


def is_sent_to_sign_in(answer: TestResponse) -> bool:
    return answer.status_code == 302 and (answer.location or "").startswith("/sign-in")


def is_refused(answer: TestResponse) -> bool:
    """Whether the app showed and did nothing, because this person may not do this."""
    return answer.status_code in (401, 403) or is_sent_to_sign_in(answer)


@dataclass
class World:
    """One row of each table, each with id 1, and the clients that have signed in."""

    app: Flask
    clients: dict[str, FlaskClient] = field(default_factory=dict)


@pytest.fixture
def world(app: Flask, clean_stores: None) -> World:
    with app.app_context():
        owner = create_account(RoleName.HOST, RoleName.ORGANISER, email="owner@example.org")
        ids = {
            RoleName.ORGANISER: create_account(RoleName.ORGANISER, email="ada@example.org").id,
            # This host has no party and no campaign.
            RoleName.HOST: create_account(RoleName.HOST, email="cy@example.org").id,
        }
        campaign = create_campaign(name="Kitchen Table", hosts=[owner])
        party = create_party(campaign, owner)
        create_contact(create_list(campaign), first_name="Secret", last_name="Voter")
        create_caller(campaign, party)
        create_script(campaign, "title: Empty\n")
        db.session.commit()
    world = World(app, {"stranger": app.test_client()})
    for role, account_id in ids.items():
        world.clients[role] = app.test_client()
        sign_in(world.clients[role], account_id)
    return world


def contents(app: Flask) -> dict[str, str]:
    """A checksum of the rows of every table."""
    with app.app_context():
        return {
            table.name: db.session.execute(
                text(
                    f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM \"{table.name}\" t"
                )
            ).scalar_one()
            for table in Base.metadata.sorted_tables
        }


# There are rules -----------------------------------------------------------------------------


def test_every_route_has_a_rule(app: Flask) -> None:
    assert without_rule(app) == []


def test_every_socket_event_has_a_rule_and_goes_through_the_guard(app: Flask) -> None:
    assert socketio.server.handlers, "the walk has something to walk"
    assert unguarded_events(socketio.server) == []


def test_every_socket_namespace_asks_who_connects(app: Flask) -> None:
    for namespace, events in socketio.server.handlers.items():
        assert "connect" in events, f"{namespace} lets anyone connect"
    assert not socketio.server.namespace_handlers, "class namespaces have no guard"


# The checks can fail -------------------------------------------------------------------------


@pytest.fixture
def app_with_a_hole(config: Config) -> Flask:
    holed = create_app(config)
    holed.testing = True
    holed.add_url_rule("/voters", "voters", lambda: "Secret Voter")
    return holed


def test_a_view_without_a_rule_is_reported(app_with_a_hole: Flask) -> None:
    assert without_rule(app_with_a_hole) == ["voters"]


def test_a_view_with_an_unknown_rule_is_reported(app_with_a_hole: Flask) -> None:
    app_with_a_hole.view_functions["voters"].access_rule = "everyone"  # type: ignore[union-attr]
    assert without_rule(app_with_a_hole) == ["voters"]
    with pytest.raises(ValueError, match="unknown access rule"):
        open_to("everyone")


def test_a_view_without_a_rule_is_shut_to_everyone(
    app_with_a_hole: Flask, clean_stores: None
) -> None:
    with app_with_a_hole.app_context():
        organiser = create_account(RoleName.ORGANISER)
        db.session.commit()
        organiser_id = organiser.id
    for signed_in in (False, True):
        client = app_with_a_hole.test_client()
        if signed_in:
            app_with_a_hole.config["WTF_CSRF_ENABLED"] = False
            sign_in(client, organiser_id)
        answer = client.get("/voters")
        assert answer.status_code == 403
        assert "Secret" not in answer.text


class _Server:
    def __init__(self, handlers: dict[str, dict[str, Any]]) -> None:
        self.handlers = handlers


def test_a_socket_event_without_a_rule_is_reported(app: Flask) -> None:
    bare = _Server({"/board": {"peek": lambda: None}})
    assert unguarded_events(bare) == [("/board", "peek")]

    @open_to(ANYONE)
    def marked_and_unguarded() -> None:
        pass

    assert unguarded_events(_Server({"/board": {"peek": marked_and_unguarded}})) == [
        ("/board", "peek")
    ]


def test_the_sweeps_see_a_door_that_stands_open(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "check", lambda rule: None)
    # A page that expects a person and finds none raises; that counts as an answer too.
    monkeypatch.setitem(world.app.config, "TESTING", False)
    for sweep in (faults_without_parameters, faults_for_a_stranger, faults_for_a_host):
        assert sweep(world), sweep.__name__


# The app keeps to the rules ----------------------------------------------------------------------


def faults_without_parameters(world: World) -> list[str]:
    """Pages that opened to the wrong person, or did not open to the right one."""
    faults = []
    for route in routes(world.app, ANYONE, SIGNED_IN, RoleName.HOST, RoleName.ORGANISER):
        rule = rule_of(world.app, route.endpoint)
        if route.arguments or not asks(route, "GET") or route.endpoint in BETWEEN_LINK_AND_SIGN_IN:
            continue
        may = {
            "stranger": rule == ANYONE,
            RoleName.HOST: rule in (ANYONE, SIGNED_IN, RoleName.HOST),
            RoleName.ORGANISER: True,
        }
        for who, client in world.clients.items():
            answer = client.get(route.rule, buffered=True)
            fine = answer.status_code < 400 and not is_sent_to_sign_in(answer)
            if fine != may[who] or (not may[who] and not is_refused(answer)):
                faults.append(f"{route.rule} ({rule}) gave the {who} {answer.status}")
    return faults


def test_pages_without_parameters_open_to_those_they_are_for(world: World) -> None:
    assert faults_without_parameters(world) == []
    for who in (RoleName.HOST, RoleName.ORGANISER):
        assert world.clients[who].get("/account").status_code == 200, "signed out on the way"


def faults_for_a_stranger(world: World) -> list[str]:
    faults = []
    for route in routes(world.app, CALLER, TV, TOKEN, SIGNED_IN, RoleName.HOST, RoleName.ORGANISER):
        for method in asks(route, *METHODS):
            answer = world.clients["stranger"].open(address(route), method=method, buffered=True)
            of_an_account = rule_of(world.app, route.endpoint) in (
                SIGNED_IN,
                RoleName.HOST,
                RoleName.ORGANISER,
            )
            if answer.status_code < 300 or (of_an_account and not is_refused(answer)):
                faults.append(f"{method} {address(route)} gave a stranger {answer.status}")
            if "Secret" in answer.text or "owner@example.org" in answer.text:
                faults.append(f"{method} {address(route)} showed a stranger somebody's name")
    return faults


def test_nothing_that_is_not_for_anyone_opens_to_a_stranger(world: World) -> None:
    before = contents(world.app)
    assert faults_for_a_stranger(world) == []
    assert contents(world.app) == before, "a stranger changed something"


def faults_for_a_host(world: World) -> list[str]:
    faults = []
    for route in routes(world.app, RoleName.ORGANISER):
        for method in asks(route, *METHODS):
            answer = world.clients[RoleName.HOST].open(address(route), method=method, buffered=True)
            if answer.status_code != 403:
                faults.append(f"{method} {address(route)} gave a host {answer.status}")
    return faults


def test_nothing_of_an_organiser_opens_to_a_host(world: World) -> None:
    before = contents(world.app)
    assert faults_for_a_host(world) == []
    assert contents(world.app) == before, "a host changed something"


def test_nothing_of_one_host_opens_to_another(world: World) -> None:
    """A host asks for pages about a party or campaign of another host."""
    before = contents(world.app)
    faults = []
    for route in routes(world.app, RoleName.HOST):
        if not route.arguments:
            continue
        for method in asks(route, *METHODS):
            answer = world.clients[RoleName.HOST].open(address(route), method=method, buffered=True)
            if answer.status_code not in (403, 404):
                faults.append(f"{method} {address(route)} gave another host {answer.status}")
    assert faults == []
    assert contents(world.app) == before, "another host changed something"


def test_between_link_and_sign_in_a_stranger_is_turned_away(world: World) -> None:
    for route in routes(world.app, ANYONE):
        if route.endpoint in BETWEEN_LINK_AND_SIGN_IN:
            for method in ("GET", "POST"):
                answer = world.clients["stranger"].open(route.rule, method=method)
                assert is_sent_to_sign_in(answer), route.rule


@pytest.fixture
def served(config: Config, clean_stores: None) -> Iterator[str]:
    """An app on a port, with its sockets, which belong to the newest app of a process."""
    server = make_server("127.0.0.1", 0, create_app(config), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_no_socket_lets_a_stranger_in(served: str) -> None:
    for namespace in socketio.server.handlers:
        client = Client(reconnection=False)
        with pytest.raises(ConnectionError, match="One or more namespaces failed to connect"):
            client.connect(
                served,
                transports=["websocket"],
                namespaces=[namespace],
                wait_timeout=5,
            )
        client.disconnect()


def test_a_rule_lets_in_whom_it_names(world: World) -> None:
    with world.app.test_request_context():
        access.check(ANYONE)
        with pytest.raises(SignInRequiredError):
            access.check(SIGNED_IN)
        with pytest.raises(NotAllowedError):
            access.check(None)
