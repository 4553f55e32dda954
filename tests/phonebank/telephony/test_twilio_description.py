"""What Twilio's description refuses: each request here is broken on purpose."""

from urllib.parse import urlencode

import pytest

from tests.twilio_api.description import AgainstDescriptionError, check_answer, check_request

ACCOUNT = "AC0123456789abcdef0123456789abcdef"
CALLS = f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
CALL = f"/2010-04-01/Accounts/{ACCOUNT}/Calls/CA{'0' * 32}.json"
SIGNED = {"Authorization": "Basic eDp5"}
GOOD = [
    ("To", "+447700900001"),
    ("From", "+442079460000"),
    ("Twiml", "<Response/>"),
    ("Timeout", "20"),
    ("StatusCallback", "https://phonebank.example/phone/twilio/status?line=1"),
    ("StatusCallbackEvent", "ringing"),
    ("StatusCallbackEvent", "answered"),
]


def send(path: str, fields: list[tuple[str, str]], headers: dict[str, str] = SIGNED) -> None:
    check_request("POST", path, {}, urlencode(fields).encode(), headers)


def test_a_good_request_passes() -> None:
    send(CALLS, GOOD)
    send(CALL, [("Status", "completed")])
    check_request("GET", CALL, {}, b"", SIGNED)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        pytest.param(CALLS, [*GOOD, ("Twmil", "<Response/>")], id="a misspelt field"),
        pytest.param(CALLS, GOOD[1:], id="a missing field"),
        pytest.param(CALLS, [*GOOD, ("TimeLimit", "soon")], id="a wrong type"),
        pytest.param(CALLS, [*GOOD, ("Record", "maybe")], id="no yes or no"),
        pytest.param(CALLS, [*GOOD, ("Url", "/voice")], id="no whole address"),
        pytest.param(CALLS, [*GOOD, ("Method", "FETCH")], id="an unknown method"),
        pytest.param(CALL, [("Status", "finished")], id="an unknown status"),
        pytest.param(CALL.replace("CA0", "XX0"), [("Status", "completed")], id="an id of nothing"),
        pytest.param(CALLS.replace("Calls", "Callz"), GOOD, id="no such path"),
    ],
)
def test_a_broken_request_is_refused(path: str, fields: list[tuple[str, str]]) -> None:
    with pytest.raises(AgainstDescriptionError):
        send(path, fields)


def test_a_request_without_the_account_is_refused() -> None:
    with pytest.raises(AgainstDescriptionError):
        send(CALLS, GOOD, headers={})


def test_a_broken_answer_is_refused() -> None:
    good = {"sid": f"CA{'0' * 32}", "status": "queued", "price": None, "queue_time": "0"}
    check_answer("POST", CALLS, 201, good)
    for change in ({"status": "dialling"}, {"sid": "CA1"}, {"sipp": "x"}, {"price": 0.03}):
        with pytest.raises(AgainstDescriptionError):
            check_answer("POST", CALLS, 201, good | change)
    with pytest.raises(AgainstDescriptionError):
        check_answer("POST", CALLS, 418, good)
