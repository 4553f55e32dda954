"""The table in `docs/roles.md` says what the app does: each cell, by each route and socket event.

The walk takes each route of the URL map. A route belongs to the row of its rule and of the campaign
or party in its address, so a route that is added later is tried too.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from queue import Queue

import pytest
from flask import Flask
from flask.testing import FlaskClient
from socketio import Client
from sqlalchemy import select
from werkzeug.routing import Rule
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from phonebank.accounts.roles import EVERYWHERE, Scope, give_role
from phonebank.api_tokens.tokens import create_token
from phonebank.app import create_app
from phonebank.callouts.call_outs import create_call_out
from phonebank.core.access import (
    ANYONE,
    CALLER,
    ORGANISER_ANYWHERE,
    SIGNED,
    SIGNED_IN,
    TOKEN,
    TV,
    VIEWER_ANYWHERE,
    VOLUNTEER,
    open_to,
    rule_of,
)
from phonebank.core.config import Config
from phonebank.core.db import db
from phonebank.core.install_paths import ROOT
from phonebank.live.server import socketio
from phonebank.models import Account, Campaign, Chapter, Party, RoleName, ScopedRole
from phonebank.models import Scope as ApiScope
from phonebank.volunteers.volunteers import COOKIE_KEY, cookie_for, find_or_create
from tests.factories import create_account, create_caller, create_campaign, create_party
from tests.phonebank.core.test_access import METHODS, asks, is_sent_to_sign_in, routes
from tests.route_addresses import address
from tests.signing_in import sign_in

# The row of a route, by its rule and by what its address names.
ROWS = {
    (ANYONE, ""): "The front page, signing in",
    (TV, ""): "A party's board or summary, a call-out",
    (TOKEN, ""): "The API",
    (TOKEN, "campaign"): "The API",
    (SIGNED, ""): "What the telephone service tells us",
    (SIGNED_IN, ""): "One's own account",
    (VIEWER_ANYWHERE, ""): "The list of campaigns",
    (RoleName.VIEWER, "campaign"): "A campaign's figures",
    (RoleName.ORGANISER, "campaign"): "A campaign's people",
    (ORGANISER_ANYWHERE, ""): "Setting up a new campaign",
    (ORGANISER_ANYWHERE, "find"): "Finding a person",
    (RoleName.ORGANISER, ""): "Accounts and roles",
    (RoleName.HOST, ""): "The list of parties",
    (RoleName.HOST, "party"): "A party:",
    (CALLER, ""): "Calling",
    (VOLUNTEER, ""): "A volunteer's own",
}
SOCKET_ROWS = (
    "A board that moves, signed in",
    "A board or a call-out's screen",
    "A caller's screen",
)
# For these rules nothing but the check before the view decides, so the views themselves need not
# run, and nothing changes.
CHECKED_BEFORE_THE_VIEW = (ANYONE, SIGNED_IN, RoleName.VIEWER, RoleName.ORGANISER)
COLUMNS = {
    "organiser of all campaigns": "Organiser of all campaigns",
    "chapter organiser": "Organiser of a part",
    "campaign organiser": "Organiser of a part",
    "viewer of all campaigns": "Viewer of all campaigns",
    "chapter viewer": "Viewer of a part",
    "campaign viewer": "Viewer of a part",
    "host": "Host",
    "caller": "Caller",
    "volunteer": "Volunteer",
    "stranger": "Anyone else",
}
OPENED = 299
# This many routes of each row are tried by all of COLUMNS, so each cell is tried. The others are
# tried by the people on both sides of each limit.
FOR_EVERYBODY = 3
FOR_THE_OTHER_ROUTES = ("campaign organiser", "chapter viewer", "host", "stranger")
# The other pages for anyone differ in nothing that a person could be refused for.
TRIED_OF_ANYONE = {"accounts.front", "help.show", "callers.join"}


def table() -> dict[str, dict[str, str]]:
    """The cells of the table: by row, then by column."""
    lines = [
        [cell.strip() for cell in line.strip("|\n").split("|")]
        for line in (ROOT / "docs/roles.md").read_text("utf-8").splitlines()
        if line.startswith("|")
    ]
    _, *columns = lines[0]
    return {row: dict(zip(columns, cells, strict=True)) for row, *cells in lines[2:]}


def row_named(start: str) -> dict[str, str]:
    [row] = [cells for name, cells in table().items() if name.startswith(start)]
    return row


def _people() -> dict[str, Account]:
    """The people with accounts. The rows with id 1 belong to others; the rows with id 2 are in the
    chapter, the campaign and the party of all who have only a part."""
    owner = create_account(RoleName.HOST)
    north, south = Chapter(name="North"), Chapter(name="South")
    db.session.add_all([north, south])
    db.session.flush()
    secret = create_campaign(name="Secret", hosts=[owner], chapter_id=north.id)
    create_party(secret, owner, title="Secret party")
    host = create_account(RoleName.HOST)
    ours = create_campaign(name="Ours", hosts=[host], chapter_id=south.id)
    create_party(ours, host, title="Our party")
    in_chapter, in_campaign = Scope(chapter_id=south.id), Scope(campaign_id=ours.id)
    people = {"host": host}
    for who, role, scope in (
        ("organiser of all campaigns", RoleName.ORGANISER, EVERYWHERE),
        ("chapter organiser", RoleName.ORGANISER, in_chapter),
        ("campaign organiser", RoleName.ORGANISER, in_campaign),
        ("viewer of all campaigns", RoleName.VIEWER, EVERYWHERE),
        ("chapter viewer", RoleName.VIEWER, in_chapter),
        ("campaign viewer", RoleName.VIEWER, in_campaign),
    ):
        people[who] = create_account(name=who)
        give_role(people[who], role, scope, None)
    db.session.commit()
    assert (secret.id, ours.id) == (1, 2)
    return people


@pytest.fixture
def visitors(app: Flask, clean_stores: None) -> dict[str, FlaskClient]:
    """A browser for each of COLUMNS."""
    with app.app_context():
        ids = {who: account.id for who, account in _people().items()}
        ours, party = db.session.get_one(Campaign, 2), db.session.get_one(Party, 2)
        caller = create_caller(ours, party)
        db.session.commit()
        device = {"id": caller.id, "token": caller.device_token}
        volunteer = cookie_for(find_or_create("vol@example.org", "Vol"))
        db.session.commit()
    found = {who: app.test_client() for who in COLUMNS}
    for who, account_id in ids.items():
        sign_in(found[who], account_id)
    with found["caller"].session_transaction() as session:
        session["caller"] = device
    with found["volunteer"].session_transaction() as session:
        session[COOKIE_KEY] = volunteer
    return found


def about(route: Rule) -> str:
    """What the route's address names: "campaign", "party", "find" or ""."""
    if route.rule.startswith("/find"):
        return "find"
    for name in ("campaign", "party"):
        if f"{name}_id" in route.arguments:
            return name
    return ""


def is_refused(answer: TestResponse) -> bool:
    """Whether this person may not open the page. A thing of others looks as if it did not exist."""
    return (
        answer.status_code in (401, 403)
        or is_sent_to_sign_in(answer)
        or (answer.status_code == 404 and "among yours" in answer.text)
        or (answer.status_code in (404, 410) and "link" in answer.text)
    )


def ask(browser: FlaskClient, method: str, path: str) -> TestResponse:
    return browser.open(path, method=method, headers={"Accept": "application/json"}, buffered=True)


def faults_of(cell: str, browser: FlaskClient, route: Rule) -> Iterator[str]:
    """Each way in which the answers to this person differ from the cell of the table."""
    method = asks(route, *METHODS)[0]
    others = address(route)
    own = others.replace("/campaigns/1", "/campaigns/2").replace("/parties/1", "/parties/2")
    opened = not is_refused(ask(browser, method, own))
    if opened != (cell in ("yes", "theirs")):
        yield f"{method} {own} {'opened' if opened else 'is refused'}"
    if own != others:
        opened = not is_refused(ask(browser, method, others))
        if opened != (cell == "yes"):
            yield f"{method} {others} {'opened' if opened else 'is refused'}"
    elif cell == "theirs" and "GET" in (route.methods or ()):
        page = browser.get(own).text
        if "Secret" in page:
            yield f"{own} shows what belongs to others"


def test_each_route_opens_to_whom_the_table_says(
    app: Flask, visitors: dict[str, FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    faults: list[str] = []
    seen: Counter[str] = Counter()
    for route in routes(app):
        rule = rule_of(app, route.endpoint)
        start = ROWS.get((str(rule), about(route)))
        assert start, f"{route.rule} ({rule}) is in no row of docs/roles.md: add one, and to ROWS"
        seen[start] += 1
        if rule == ANYONE and route.endpoint not in TRIED_OF_ANYONE:
            continue  # the check lets everyone pass, as the next test says
        if rule in CHECKED_BEFORE_THE_VIEW:
            stub = open_to(str(rule))(lambda **_: ("", OPENED))
            monkeypatch.setitem(app.view_functions, route.endpoint, stub)
        for who in COLUMNS if seen[start] <= FOR_EVERYBODY else FOR_THE_OTHER_ROUTES:
            browser = visitors[who]
            cell = row_named(start)[COLUMNS[who]]
            if cell == "chapter":
                cell = "theirs" if who == "chapter organiser" else "no"
            if cell in ("link", "token", "signature"):
                cell = "no"  # the address has none of these
            if (who, rule) in (("caller", CALLER), ("volunteer", VOLUNTEER)) and (
                route.arguments or "GET" not in route.methods
            ):
                continue  # the tests of callers and volunteers try what changes something
            faults += [f"{who}: {fault}" for fault in faults_of(cell, browser, route)]
    assert faults == []
    assert set(seen) == set(ROWS.values())


def test_a_link_or_a_token_opens_and_nothing_else_counts(
    app: Flask, visitors: dict[str, FlaskClient]
) -> None:
    with app.app_context():
        party, campaign = db.session.get_one(Party, 1), db.session.get_one(Campaign, 1)
        party.summary_token = "summary"
        account = db.session.scalars(
            select(Account).where(Account.name == "organiser of all campaigns")
        ).one()
        _, token = create_token(campaign, account, "A test", [ApiScope.READ_CONTACTS])
        db.session.commit()
        board = party.board_token
    for who, browser in visitors.items():
        cells = {row_named(start)[COLUMNS[who]] for start in (ROWS[TV, ""], ROWS[TOKEN, ""])}
        assert cells == {"link", "token"}
        assert browser.get(f"/board/{board}").status_code == 200, who
        with_token = {"Authorization": f"Bearer {token}"}
        assert browser.get("/api/v1/contacts", headers=with_token).status_code == 200, who
        assert row_named(ROWS[ANYONE, ""])[COLUMNS[who]] == "yes"
        assert not is_refused(browser.get("/help/roles")), who


# Sockets -------------------------------------------------------------------------------------


@pytest.fixture
def served(config: Config, visitors: dict[str, FlaskClient]) -> Iterator[str]:
    """An app on a port, with its sockets, which belong to the newest app of a process."""
    server = make_server("127.0.0.1", 0, create_app(config), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


class Line:
    """A socket of this person's browser in one namespace."""

    def __init__(
        self, served: str, browser: FlaskClient, namespace: str, proof: object = None
    ) -> None:
        self.client, self.namespace = Client(reconnection=False), namespace
        answers: Queue[bool] = Queue()
        self.client.on("connect", lambda: answers.put(True), namespace=namespace)
        self.client.on("connect_error", lambda _: answers.put(False), namespace=namespace)
        cookie = browser.get_cookie("session")
        # The client's own waiting takes seconds for each refusal.
        self.client.connect(
            served,
            headers={"Cookie": f"session={cookie.value}"} if cookie else {},
            auth=proof,
            transports=["websocket"],
            namespaces=[namespace],
            wait=False,
        )
        self.is_open = answers.get(timeout=10)

    def says(self, event: str) -> bool:
        """Whether the server does what the event asks for."""
        answer = self.client.call(event, {}, namespace=self.namespace, timeout=10)
        return bool(answer["ok"])

    def cut(self) -> None:
        # The client waits seconds for the server's farewell.
        threading.Thread(target=self.client.disconnect, daemon=True).start()


def test_each_socket_event_is_heard_from_whom_the_table_says(
    app: Flask, served: str, visitors: dict[str, FlaskClient]
) -> None:
    # Only a connection can send an event, and no connection without a caller reaches "renew".
    tried = {
        ("/board", "snapshot"),
        ("/call-out", "snapshot"),
        ("/caller", "state"),
        ("/caller", "renew"),
    }
    events = {
        (namespace, event)
        for namespace, events in socketio.server.handlers.items()
        for event in events
        if event not in ("connect", "disconnect", "*")
    }
    assert events == tried, "an event that this test does not try"
    with app.app_context():
        link = {"token": db.session.get_one(Party, 1).board_token}
        organiser = db.session.scalars(select(Account)).first()
        call_out = create_call_out(
            db.session.get_one(Campaign, 1), organiser, "Hall", None, "Europe/London"
        )
        db.session.commit()
        screen_link = {"token": call_out.projector_token}
    faults = []
    for who, browser in visitors.items():
        signed_in, by_link, screen = (row_named(start)[COLUMNS[who]] for start in SOCKET_ROWS)
        assert by_link == "link"
        for namespace, event, proof, opens in (
            ("/board", "snapshot", {"party": 2}, signed_in in ("yes", "theirs")),
            ("/board", "snapshot", {"party": 1}, signed_in == "yes"),
            ("/board", "snapshot", link, True),
            ("/board", "snapshot", {"token": "guessed"}, False),
            ("/call-out", "snapshot", screen_link, True),
            ("/call-out", "snapshot", {"token": "guessed"}, False),
            ("/caller", "state", None, screen == "yes"),
        ):
            line = Line(served, browser, namespace, proof)
            if line.is_open != opens or (opens and not line.says(event)):
                faults.append(f"{who}, {namespace} {proof}: {line.is_open}")
            line.cut()
    assert faults == []


def test_a_socket_that_is_open_hears_nothing_more_once_the_role_is_gone(
    app: Flask, served: str, visitors: dict[str, FlaskClient]
) -> None:
    board = Line(served, visitors["chapter organiser"], "/board", {"party": 2})
    assert board.says("snapshot")
    with app.app_context():
        [role] = db.session.query(ScopedRole).where(
            ScopedRole.chapter_id.is_not(None), ScopedRole.role == RoleName.ORGANISER
        )
        db.session.delete(role)
        db.session.commit()
    assert not board.says("snapshot")
    board.cut()
