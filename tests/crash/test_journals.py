"""Tests the soak's judge: what it must call a broken promise, and what it must let pass."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.crash.history import Promise
from tests.crash.journals import (
    Journals,
    Told,
    lost_or_changed,
    never_again,
    on_two_screens,
    read,
)

CALL = "01a20c91-8368-7696-96a7-00351111fad2"
OTHER_CALL = "01a20c91-8368-7696-96a7-00351111fad3"


def outcome(value: str, sent: float, told: float | None = None, as_: str | None = None) -> Told:
    return _wish("outcome", value, sent, told, as_ or value)


def undo(sent: float, told: float | None = None) -> Told:
    return _wish("undo", None, sent, told, None)


def _wish(kind: str, value: Any, sent: float, told: float | None, as_: Any) -> Told:
    wish = Told(kind, value, sent)
    if told is not None:
        wish.told_at, wish.told = told, as_
    return wish


@pytest.mark.parametrize(
    ("wishes", "may_be", "may_not_be"),
    [
        ([outcome("busy", 1, 2)], ["busy"], [None, "talked"]),
        # No answer came, so the wish may have taken effect or not.
        ([outcome("busy", 1)], ["busy", None], ["talked"]),
        ([outcome("busy", 1, 2), undo(3, 4)], [None], ["busy"]),
        ([outcome("busy", 1, 2), undo(3)], [None, "busy"], ["talked"]),
        ([outcome("busy", 1, 2), undo(3, 4), outcome("talked", 5, 6)], ["talked"], [None, "busy"]),
        # The first wish applies, and the second one's answer said so.
        ([outcome("busy", 1, 2), outcome("talked", 3, 4, as_="busy")], ["busy"], ["talked"]),
    ],
)
def test_what_was_acknowledged_must_be_stored(
    wishes: list[Told], may_be: list[str | None], may_not_be: list[str | None]
) -> None:
    journals = Journals()
    journals.outcomes[CALL] = wishes
    for stored in may_be:
        assert lost_or_changed(journals, {CALL: stored}, {}) == []
    for stored in may_not_be:
        assert len(lost_or_changed(journals, {CALL: stored}, {})) == 1
    assert len(lost_or_changed(journals, {}, {})) == 1


def test_an_answer_that_was_acknowledged_must_be_stored() -> None:
    journals = Journals()
    journals.steps[CALL, "support"] = [_wish("answer", 7, 1, 2, 7)]
    assert lost_or_changed(journals, {}, {(CALL, "support"): 7}) == []
    assert len(lost_or_changed(journals, {}, {(CALL, "support"): 6})) == 1
    assert len(lost_or_changed(journals, {}, {})) == 1


def _journal(path: Path, *lines: dict[str, Any]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def _shown(at: float, call: str) -> dict[str, Any]:
    return {"at": at, "what": "shown", "call": call, "phone": "+441134960001", "until": at + 20}


def _sent(at: float, call: str, number: int = 0) -> dict[str, Any]:
    return {"at": at, "what": "sent", "wish": number, "kind": "outcome", "call": call,
            "value": "do_not_call"}  # fmt: skip


def test_a_number_on_two_screens_at_once_is_seen(tmp_path: Path) -> None:
    _journal(tmp_path / "one", _shown(10, CALL), _sent(15, CALL))
    _journal(tmp_path / "two", _shown(14, OTHER_CALL), _sent(16, OTHER_CALL))
    assert len(on_two_screens(read(tmp_path.iterdir()))) == 1
    _journal(tmp_path / "two", _shown(15, OTHER_CALL), _sent(16, OTHER_CALL))
    assert on_two_screens(read(tmp_path.iterdir())) == []


def test_copies_of_a_request_are_one_wish_told_at_its_first_answer(tmp_path: Path) -> None:
    told = {"what": "told", "wish": 0, "status": 200, "kind": "outcome", "call": CALL,
            "value": "do_not_call"}  # fmt: skip
    _journal(
        tmp_path / "one",
        _shown(10, CALL), _sent(11, CALL), _sent(12, CALL),
        {"at": 13, **told, "status": 503}, {"at": 14, **told}, {"at": 19, **told},
    )  # fmt: skip
    journals = read(tmp_path.iterdir())
    assert journals.acknowledged == 1
    assert never_again(journals) == {"+441134960001": 14}


def test_a_screen_is_empty_once_its_caller_was_removed(tmp_path: Path) -> None:
    _journal(tmp_path / "one", _shown(10, CALL), {"at": 19, "what": "put_out"})
    _journal(tmp_path / "two", _shown(14, OTHER_CALL), _sent(16, OTHER_CALL))
    journals = read(tmp_path.iterdir())
    assert journals.put_out == 1
    assert len(on_two_screens(journals)) == 1
    assert len(on_two_screens(journals, {CALL: 15.0})) == 1
    assert on_two_screens(journals, {CALL: 13.0}) == []


def test_a_renewed_person_on_another_screen_is_seen(tmp_path: Path) -> None:
    _journal(
        tmp_path / "one",
        _shown(10, CALL),  # until 30
        {"at": 25, "what": "promised", "call": CALL, "until": 45, "at_most": 46},
        _sent(44, CALL),
    )
    _journal(tmp_path / "two", _shown(33, OTHER_CALL), _sent(36, OTHER_CALL))
    journals = read(tmp_path.iterdir())
    assert len(on_two_screens(journals)) == 1
    assert journals.promised[CALL] == [Promise(10, 30, 30), Promise(25, 45, 46)]


def test_a_refused_renewal_is_known_with_when_it_was_sent_and_heard(tmp_path: Path) -> None:
    sent = {"at": 22, "what": "sent", "wish": 5, "kind": "renew", "call": CALL}
    told = {"at": 25, "what": "told", "wish": 5, "status": 404, "kind": "renew", "call": CALL}
    refused = {"at": 25, "what": "refused", "call": CALL}
    _journal(tmp_path / "one", _shown(10, CALL), sent, told, refused)
    assert read(tmp_path.iterdir()).refused == {CALL: [(22, 25)]}


def test_wishes_of_a_phone_may_be_sent_in_another_order(tmp_path: Path) -> None:
    _journal(tmp_path / "one", _shown(10, CALL), _sent(12, CALL, 5), _sent(13, OTHER_CALL, 4))
    journals = read(tmp_path.iterdir())
    assert set(journals.outcomes) == {CALL, OTHER_CALL}


def test_calls_undone_after_hours_show_no_number_and_are_on_no_screen(tmp_path: Path) -> None:
    bare = {"phone": ""}
    _journal(tmp_path / "one", _shown(10, CALL), _sent(11, CALL), _shown(12, CALL) | bare)
    _journal(tmp_path / "two", _shown(13, OTHER_CALL), _shown(14, OTHER_CALL) | bare)
    journals = read(tmp_path.iterdir())
    assert on_two_screens(journals) == []
    assert journals.screens == {"+441134960001": [(10, 11, 0, CALL), (13, 14, 1, OTHER_CALL)]}
