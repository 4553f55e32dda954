"""Tests that no page, event or log carries a voter's name or number to someone who need not have
it.

The test drives an evening on real processes, with a person in it who is easy to find: claims,
answers, notes, imports, mistakes, a database that is away, tables that are missing. Then it
searches everything that each visitor received, and everything that was printed, for that person.
Each search also finds the person where they are meant to be, or where the test put them, because a
search that finds nothing anywhere would prove nothing.
"""

import html
import json
import re
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from redis import Redis
from sqlalchemy import create_engine, make_url, select, text
from sqlalchemy.exc import IntegrityError

from phonebank.core.config import Config
from phonebank.core.db import db
from phonebank.core.qr_codes import qr_svg
from phonebank.models import Call, ContactList, ListState
from phonebank.suppressions.entries import lift
from tests.conftest import empty_stores
from tests.phonebank.live.conftest import Line
from tests.processes import Processes, within
from tests.whole_evening import (
    ADDRESSES,
    POSTCODE,
    STREET,
    Evening,
    begin_evening,
    cookie_of,
    endpoints,
    missing_addresses,
)

# The first test waits for the whole walk, which takes a hundred seconds on two cores.
pytestmark = [pytest.mark.slow, pytest.mark.pages, pytest.mark.timeout(400)]

PERSON: dict[str, Any] = {
    "first_name": "Zzyzxname",
    "last_name": "Qwortlebury",
    "name_key": "zzyzxname qwortlebury",
    "phone": "+442079460777",
    "phone_original": "020 7946 0777",
    "postcode": "ZE3 9JW",
    "email": "zq@vexborough.example",
    "external_id": "ZQ-90210-X",
    "fields": {"town": "Vexborough"},
}
NOTE = "Xylophone marmalade, says Zzyzxname"
ANSWER = "Gribbleworth closure"
QR = re.search(r' d="([^"]+)"', qr_svg("tel:+442079460777"))
assert QR is not None
SECRETS = {
    "first name": "zzyzxname",
    "last name": "qwortlebury",
    "town": "vexborough",
    "own number": "zq-90210-x",
    "note": "xylophonemarmalade",
    "answer": "gribbleworth",
    "postcode": "ze39jw",
    "number as a picture": QR[1].lower().replace(" ", ""),
}
DIGITS = "2079460777"
# This second person is in files only.
ROW = 'Zzyzxname,Qwortlebury,"020 7946 0778",ZE3 9JW'

PERSON_SEEN = {"first name", "last name", "number"}


def names_found_in(shown: str) -> set[str]:
    """Return which of the person's names and numbers are in a page, event or log, in any
    spelling."""
    readings = {shown, html.unescape(shown), urllib.parse.unquote_plus(shown)}
    readings |= {re.sub(r"\\u([0-9a-f]{4})", lambda m: chr(int(m[1], 16)), r) for r in readings}
    found = set()
    for reading in readings:
        close = "".join(reading.lower().split())
        found |= {name for name, secret in SECRETS.items() if secret in close}
        digits = "".join(letter for letter in reading if letter.isdigit())
        if DIGITS in digits or "2079460778" in digits:
            found.add("number")
    return found


def shows_street(shown: str) -> bool:
    """Whether a page, event or log has the party's street or whole postcode, in any spelling."""
    readings = {shown, html.unescape(shown), urllib.parse.unquote_plus(shown)}
    close = {re.sub(r"[^a-z0-9]", "", reading.lower()) for reading in readings}
    secrets = [re.sub(r"[^a-z0-9]", "", part.lower()) for part in (STREET, POSTCODE)]
    return any(secret in reading for reading in close for secret in secrets)


@pytest.mark.parametrize(
    ("shown", "names"),
    [
        ("+442079460777", {"number"}),
        ("020 7946 0777", {"number"}),
        ("(020) 7946-0777", {"number"}),
        ("020&nbsp;7946&nbsp;0777", {"number"}),
        ("0044 20 7946\n0777", {"number"}),
        ("tel:%2B44%2020%207946%200777", {"number"}),
        (r"\u002b44\u002020\u00207946\u00200777", {"number"}),
        ("<b>ZZYZX</b>NAME", set()),
        ("Miss ZZYZXNAME Qwort&shy;lebury", {"first name"}),
        ("ZE39JW", {"postcode"}),
        (NOTE.upper(), {"note", "first name"}),
        (json.dumps({"person": PERSON}), {*PERSON_SEEN, "town", "own number", "postcode"}),
        ("020 7946 0776", set()),
    ],
)
def test_the_search_finds_the_person_however_written(shown: str, names: set[str]) -> None:
    assert names_found_in(shown) == names


# People --------------------------------------------------------------------------------------


@dataclass
class Visitor:
    """A person with a browser, and everything that it received, by the request."""

    name: str
    url: str
    cookie: str = ""
    seen: dict[str, str] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.session = requests.Session()
        if self.cookie:
            self.session.cookies.set("session", self.cookie, domain="127.0.0.1")

    def get(self, path: str, accept: str = "text/html") -> str:
        return self._ask("GET", path, headers={"Accept": accept})

    def post(self, path: str, accept: str = "text/html", **sent: Any) -> str:
        """Send a form (`data`), JSON (`json`) or a file (`files`), with the page's token."""
        headers = {"Accept": accept, "X-CSRFToken": self._token()}
        return self._ask("POST", path, headers=headers, **sent)

    def _ask(self, method: str, path: str, **sent: Any) -> str:
        response = self.session.request(method, self.url + path, timeout=30, **sent)
        whole = f"{response.url}\n{response.headers}\n{response.text}"
        what = f"{method} {path} as {sent['headers']['Accept']}"
        self.seen[what] = self.seen.get(what, "") + whole
        self.statuses.append(response.status_code)
        assert "X-Phonebank-Stale-Form" not in response.headers, "the token was not taken"
        return response.text

    def _token(self) -> str:
        if not hasattr(self, "token"):
            page = self.session.get(self.url + "/join", timeout=30).text
            found = re.search(r'name="csrf" content="([^"]+)"', page)
            assert found is not None
            self.token = found[1]
        return self.token

    def streets_shown(self) -> set[str]:
        """The requests whose answer had the party's street, house number or whole postcode."""
        return {what for what, body in self.seen.items() if shows_street(body)}

    def names_shown(self) -> dict[str, set[str]]:
        """What of the person was in each answer that this visitor received."""
        shown = {what: names_found_in(body) for what, body in self.seen.items()}
        return {what: names for what, names in shown.items() if names}


@dataclass
class Driven:
    """The results of the evening."""

    evening: Evening
    people: dict[str, Visitor]
    lines: dict[str, Line]
    log: str = ""
    sam_before: str = ""
    sam_after: str = ""

    def events_of(self, who: str) -> str:
        return json.dumps(self.lines[who].heard, ensure_ascii=False)


# Driving -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(
    app: Flask, config: Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Processes]:
    empty_stores(app)
    site = Processes(config, tmp_path_factory.mktemp("privacy") / "log.txt", loud=True)
    site.start_web(workers=1)
    site.start_command("worker")
    yield site
    site.stop()


@pytest.fixture(scope="module")
def driven(app: Flask, site: Processes) -> Iterator[Driven]:
    with app.app_context():
        evening = begin_evening(PERSON)

    def cookie(who: str) -> str:
        return cookie_of(app, evening.cookies[who]) if who in evening.cookies else ""

    people = {
        who: Visitor(who, site.url, cookie(who))
        for who in ("organiser", "host", "other host", "Sam", "Priya", "Newcomer", "Waiting",
                    "stranger")
    }  # fmt: skip
    lines = {
        "television": Line(site.url, "/board", {"token": evening.board_token}),
        "host": Line(site.url, "/board", {"party": evening.party_id}, f"session={cookie('host')}"),
        "Priya": Line(site.url, "/caller", cookie=f"session={cookie('Priya')}"),
        "Sam": Line(site.url, "/caller", cookie=f"session={cookie('Sam')}"),
    }
    for line in lines.values():
        line.connect()
    driven = Driven(evening, people, lines)
    drive(app, site, driven)
    yield driven
    for line in lines.values():
        line.client.disconnect()


def drive(app: Flask, site: Processes, driven: Driven) -> None:
    evening, people = driven.evening, driven.people
    sam, organiser = people["Sam"], people["organiser"]
    call = f"/calling/person/{evening.open_call_id}"

    driven.sam_before = sam.get("/calling/person")
    request_everything_as_everyone(app, evening, people)
    send_to_another_callers_call(people, call)
    cause_errors(app, site, driven, call)

    sam.post(f"{call}/answers", data={"step_id": "opening", "answer": "speaking"})
    sam.post(f"{call}/answers", data={"step_id": "rating_why", "answer": ANSWER})
    sam.post(f"{call}/outcome", data={"outcome": "refused", "note": NOTE})
    with app.app_context():
        recorded = db.session.get_one(Call, evening.open_call_id)
        assert (recorded.outcome, recorded.note) == ("refused", NOTE)
        assert recorded.phone == PERSON["phone"]
    within(30, lambda: driven.lines["television"].board().get("calls") == 13)
    sam.seen.clear()
    sam.get("/calling/mine")
    sam.get("/calling/mine", "application/json")
    driven.sam_after = sam.get("/calling/person") + sam.get("/calling/person", "application/json")
    sam.post(f"{call}/undo")
    sam.post(f"{call}/outcome", data={"outcome": "do_not_call", "note": NOTE})

    upload_and_import(app, site, evening, organiser)
    request_everything_as_everyone(app, evening, people)
    driven.log = site.printed()


def request_everything_as_everyone(
    app: Flask, evening: Evening, people: dict[str, Visitor]
) -> None:
    """Request every address as a page and as JSON, as everyone but Sam and the organiser."""
    for who in ("host", "other host", "Priya", "Newcomer", "Waiting", "stranger"):
        for endpoint in sorted(endpoints(app) & set(ADDRESSES)):
            for accept in ("text/html", "application/json"):
                people[who].get(ADDRESSES[endpoint](evening), accept)


def send_to_another_callers_call(people: dict[str, Visitor], call: str) -> None:
    for who in ("Priya", "Newcomer", "host", "stranger"):
        for accept in ("text/html", "application/json"):
            for action, sent in (
                ("answers", {"step_id": "opening", "answer": "speaking"}),
                ("outcome", {"outcome": "no_answer"}),
                ("undo", {}),
                ("give-back", {}),
                ("renew", {}),
            ):
                people[who].post(f"{call}/{action}", accept, data=sent)


def cause_errors(app: Flask, site: Processes, driven: Driven, call: str) -> None:
    """Send bad input, take the database away, remove tables, and silence Redis, with the person in
    each request."""
    sam, organiser = driven.people["Sam"], driven.people["organiser"]
    outcome = {"outcome": "refused", "note": NOTE}

    def send_everything() -> None:
        sam.get("/calling/person")
        sam.post(f"{call}/answers", data={"step_id": "rating_why", "answer": ANSWER})
        sam.post(f"{call}/outcome", data=outcome)
        sam.post(f"{call}/outcome", "application/json", json=outcome)
        sam.post(f"{call}/undo")
        organiser.post("/do-not-call/look-up", data={"number": PERSON["phone"], "country": "GB"})
        organiser.post(
            "/do-not-call/add",
            data={"numbers": PERSON["phone"], "country": "GB", "reason": "asked"},
        )
        send_file(organiser, driven.evening, f"First name,Surname,Phone,Postcode\n{ROW}\n")
        for accept in ("text/html", "application/json"):
            driven.people["host"].get(f"/parties/{driven.evening.party_id}", accept)
            driven.people["Priya"].get("/calling/mine", accept)

    for sent in (
        {"outcome": NOTE},
        {"outcome": "refused", "note": NOTE * 200},
        {"outcome": "refused", "note": f"{NOTE}\0"},
        {"outcome": "call_back", "ring_back": "chosen", "date": NOTE},
        {"outcome": "language_barrier", "language": f"\0{NOTE}"},
    ):
        for accept in ("text/html", "application/json"):
            sam.post(f"{call}/outcome", accept, data=sent)
    for step_id, answer in (
        (ANSWER, ANSWER),
        ("rating_before", ANSWER),
        ("rating_why", "\0" + ANSWER),
    ):
        sam.post(f"{call}/answers", data={"step_id": step_id, "answer": answer})
    for number in ("+44207946077799999", f"{PERSON['phone']}\0", PERSON["first_name"]):
        organiser.post("/do-not-call/look-up", data={"number": number, "country": "GB"})
        organiser.post(
            "/do-not-call/add", data={"numbers": number, "country": "GB", "reason": "asked"}
        )
    organiser.post("/do-not-call/lift", data={"phone": PERSON["phone"], "why": NOTE})
    for content in (ROW, f"{ROW}\n{ROW}", f'Phone\n"{ROW}', f"Phone\0\n{ROW}"):
        send_file(organiser, driven.evening, content)

    sam.statuses.clear()
    with take_database_away(app):
        send_everything()
    assert set(sam.statuses) == {503}, (sam.statuses, list(sam.seen.items())[-4:])
    for table in ("answer", "suppression", "contact", "tally", "contact_list", "upload_chunk"):
        with missing(app, table):
            send_everything()
        # The test undoes what went through, the do-not-call entry first: no caller gets a person
        # again whose number is on that list.
        with app.app_context():
            lift(PERSON["phone"])
            db.session.commit()
        sam.post(f"{call}/undo")
    assert 500 in sam.statuses
    with silence_redis(app):
        sam.get("/calling/person")
        driven.people["Newcomer"].post("/calling/next")
        driven.people["Newcomer"].post("/calling/next", "application/json")
    with app.app_context():
        # Sam has the person on the screen, as before.
        assert db.session.get_one(Call, driven.evening.open_call_id).outcome is None


def send_file(organiser: Visitor, evening: Evening, content: str) -> None:
    organiser.post(
        f"/campaigns/{evening.campaign_id}/lists/new",
        files={"file": ("Qwortlebury.csv", content.encode())},
    )


def upload_and_import(app: Flask, site: Processes, evening: Evening, organiser: Visitor) -> None:
    """Upload two files: the import of one breaks in the middle, and the other is imported, with a
    refused row."""
    rows = f"First name,Surname,Phone,Postcode\n{ROW}\nZzyzxname,Qwortlebury,no number,ZE3 9JW\n"
    for broken in (True, False):
        send_file(organiser, evening, rows)
        with app.app_context():
            newest = select(ContactList.id).order_by(ContactList.id.desc()).limit(1)
            list_id = db.session.scalars(newest).one()
        address = f"/campaigns/{evening.campaign_id}/lists/{list_id}"
        form = organiser.get(f"{address}/columns")
        guessed = r'<select[^>]* name="(column_\d+)".*?<option selected value="([^"]+)"'
        chosen = dict(re.findall(guessed, form, re.S)) | {"leave_out": "1", "priority": "0"}
        chosen |= re.findall(r'name="(checked)" value="(\w+)"', form)
        assert len(chosen) == 7

        def state(list_id: int = list_id) -> str:
            with app.app_context():
                return str(db.session.get_one(ContactList, list_id).state)

        if broken:
            with missing(app, "refused_row"):
                organiser.post(f"{address}/columns", data={**chosen, "name": "A"})
                within(20, lambda: "ImportFailedError" in site.printed(), "the import breaks")
            assert state() == ListState.IMPORTING
        else:
            organiser.post(f"{address}/columns", data={**chosen, "name": "B"})
            within(20, lambda: state() == ListState.READY, "the import is done")
        organiser.get(address)


@contextmanager
def take_database_away(app: Flask) -> Iterator[None]:
    """Make PostgreSQL end all connections and accept none."""
    config: Config = app.extensions["phonebank"]
    url = make_url(config.database_url)
    admin = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with app.app_context():
        db.engine.dispose()
    with admin.connect() as connection:
        connection.execute(text(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS false'))
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
            {"name": url.database},
        )
        try:
            yield
        finally:
            connection.execute(text(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS true'))
    admin.dispose()


@contextmanager
def missing(app: Flask, table: str) -> Iterator[None]:
    """Rename a table, which causes errors that the code does not expect."""

    def rename(old: str, new: str) -> None:
        with app.app_context(), db.engine.begin() as connection:
            connection.execute(text("SET LOCAL lock_timeout = '5s'"))
            connection.execute(text(f'ALTER TABLE "{old}" RENAME TO "{new}"'))

    rename(table, f"{table}_elsewhere")
    try:
        yield
    finally:
        rename(f"{table}_elsewhere", table)


@contextmanager
def silence_redis(app: Flask) -> Iterator[None]:
    """Make Redis accept connections and not answer."""
    config: Config = app.extensions["phonebank"]
    redis = Redis.from_url(config.redis_url)
    redis.execute_command("CLIENT", "PAUSE", "6000", "ALL")
    yield
    redis.ping()  # answered when the pause is over


# The checks ----------------------------------------------------------------------------------


def test_every_address_was_requested(app: Flask) -> None:
    assert missing_addresses(app) == set()


def test_the_caller_who_calls_the_person_sees_them_until_the_outcome_is_recorded(
    driven: Driven,
) -> None:
    assert names_found_in(driven.sam_before) >= PERSON_SEEN
    assert names_found_in(driven.sam_after) == set()
    what_sam_saw_later = driven.people["Sam"].names_shown()
    call = f"/calling/person/{driven.evening.open_call_id}"
    # Undo brings the person back, as it must.
    assert set(what_sam_saw_later) == {f"POST {call}/undo as text/html"}


@pytest.mark.parametrize("who", ["host", "other host", "Priya", "Newcomer", "Waiting", "stranger"])
def test_no_other_visitor_sees_anything_of_the_person(driven: Driven, who: str) -> None:
    visitor = driven.people[who]
    assert len(visitor.seen) > 80, "they looked everywhere"
    assert visitor.names_shown() == {}


@pytest.mark.parametrize("who", ["host", "other host", "Priya", "Newcomer", "Waiting", "stranger"])
def test_nobody_but_the_host_and_an_accepted_guest_sees_where_the_party_is(
    driven: Driven, who: str
) -> None:
    link = f"/guest/{driven.evening.guest_token}"
    paths = [link, f"{link}/event.ics"]
    if who == "host":
        paths.append(f"/parties/{driven.evening.party_id}/guests")
    kinds = ("text/html", "application/json")
    pages = {f"GET {path} as {kind}" for path in paths for kind in kinds}
    # The guest's link is a secret: the person who has it is the accepted guest.
    assert driven.people[who].streets_shown() == pages


def test_no_event_and_no_log_says_where_the_party_is(driven: Driven) -> None:
    assert not any(shows_street(driven.events_of(who)) for who in driven.lines)
    assert [line for line in driven.log.splitlines() if shows_street(line)] == []


def test_visitors_who_may_see_the_person_did(driven: Driven) -> None:
    shown = driven.people["organiser"].names_shown()
    assert any("number" in names for names in shown.values())
    assert any("postcode" in names for names in shown.values())


def test_no_socket_event_carries_the_person(driven: Driven) -> None:
    for who in driven.lines:
        assert names_found_in(driven.events_of(who)) == set(), who
    assert "Sam" in driven.events_of("television")
    assert "Sam" in driven.events_of("host")


def test_nothing_that_is_printed_carries_the_person(driven: Driven) -> None:
    lines = driven.log.splitlines()
    assert [line for line in lines if names_found_in(line)] == []
    assert names_found_in(driven.log) == set()


def test_the_log_still_says_what_went_wrong(driven: Driven) -> None:
    for words in (
        "POST /calling/person/",
        "a store is away: OperationalError",
        "unforeseen ProgrammingError at callers.outcome",
        "import of list",
    ):
        assert words in driven.log, words


@pytest.mark.timing
def test_the_searches_find_what_the_test_put_there(driven: Driven, site: Processes) -> None:
    """The host sends a message and a stranger requests a page, both with the name in it."""
    host, priya = driven.people["host"], driven.lines["Priya"]
    host.post(f"/parties/{driven.evening.party_id}/message", data={"text": PERSON["first_name"]})
    within(30, lambda: names_found_in(driven.events_of("Priya")) == {"first name"})
    assert priya.heard
    driven.people["stranger"].get(f"/join/{PERSON['first_name']}")
    within(30, lambda: "first name" in names_found_in(site.printed()))


def test_the_embedded_postgresql_logs_that_a_row_failed_and_not_what_was_in_it(
    app: Flask, driven: Driven, servers_dir: Path
) -> None:
    columns = "campaign_id, phone, name_key"
    again = text(f"INSERT INTO contact ({columns}) SELECT {columns} FROM contact WHERE phone = :p")
    with app.app_context(), pytest.raises(IntegrityError, match="zzyzxname"):
        db.session.execute(again, {"p": PERSON["phone"]})
    log = servers_dir / "pg" / "server.log"
    if not log.exists():
        pytest.skip("the tests run on a PostgreSQL that is not the embedded one")
    written = log.read_text(errors="replace")
    assert "violates not-null constraint" in written
    assert names_found_in(written) == set()
