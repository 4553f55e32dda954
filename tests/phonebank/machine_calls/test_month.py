"""A simulated month, checked by the command that knows only its files and the rules."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from phonebank.pacing.records import (
    DecisionRecord,
    LineRecord,
    LineResult,
    Record,
    values_of,
    write_records,
)
from phonebank.pacing.rule import lines_to_dial
from phonebank.pacing.snapshot import Decision, PacingMode, Snapshot
from phonebank.pacing_simulation.chances import Answer
from phonebank.pacing_simulation.evening import Evening, Line
from phonebank.pacing_simulation.setting import Setting
from tools.check_machine_calls import main

DAYS = 20
PEOPLE = 40_000  # each is called at most once in a while, and in turn


class Month:
    """Plays evenings, and keeps what real ones would leave on record."""

    def __init__(self) -> None:
        self.days: list[list[Record]] = []
        self._decisions = 0
        self._lines = 0

    def play(self, seed: int) -> None:
        day = date(2026, 6, 1) + timedelta(days=seed)
        begins = datetime(day.year, day.month, day.day, 17, tzinfo=UTC)
        kept: dict[int, DecisionRecord] = {}
        seconds = iter(range(10**6))

        def rule(moment: Snapshot) -> Decision:
            decision, at = lines_to_dial(moment), begins + timedelta(seconds=next(seconds))
            if decision.lines and decision.mode == PacingMode.PREDICTIVE:
                self._decisions += 1
                values = values_of(moment, decision)
                kept[id(decision)] = DecisionRecord(self._decisions, day, at, **values)
            return decision

        setting = Setting(callers=8, hours=0.8)
        evening = Evening(setting, seed, rule, keep_lines=True)
        evening.run()
        lines = [
            self._line(line, day, begins, kept.get(id(line.decision))) for line in evening.lines
        ]
        self.days.append([*kept.values(), *lines])

    def _line(
        self, line: Line, day: date, begins: datetime, decision: DecisionRecord | None
    ) -> LineRecord:
        def moment(seconds: float | None) -> datetime | None:
            return None if seconds is None else begins + timedelta(seconds=seconds)

        self._lines += 1
        wrong = line.ended is not None and line.ended - line.dialled < 5
        return LineRecord(
            line=self._lines,
            day=day,
            number_key=f"person {self._lines % PEOPLE}",
            shown=True,
            decision=decision.decision if decision else None,
            result=_result(line),
            cause="hung_up" if line.answered else "no_such_number" if wrong else "no_answer",
            dialled_at=moment(line.dialled),
            answered_at=moment(line.answered),
            joined_at=moment(line.joined),
            message_at=moment(line.abandoned),
            ended_at=moment(line.ended),
            last_abandoned_at=None,
        )


def _result(line: Line) -> LineResult:
    if line.ended is None:
        return LineResult.OPEN
    if line.answered is None:
        return LineResult.UNANSWERED
    if line.joined is None:
        return LineResult.ABANDONED
    if line.answer is Answer.MACHINE:
        return LineResult.MACHINE
    return LineResult.LOST if line.lost else LineResult.PERSON


@pytest.fixture(scope="module")
def month() -> list[list[Record]]:
    played = Month()
    for seed in range(DAYS):
        played.play(seed)
    return played.days


def check(folder: Path, days: list[list[Record]]) -> int:
    files = []
    for number, records in enumerate(days):
        file = folder / f"{number:02}.csv"
        with file.open("w", newline="") as writing:
            write_records(writing, records)
        files.append(str(file))
    return main("GB", files)


def test_the_files_of_a_simulated_month_keep_every_rule(month, tmp_path, capsys):
    lines = [record for day in month for record in day if isinstance(record, LineRecord)]
    assert sum(line.result == LineResult.ABANDONED for line in lines) > 5
    assert sum(line.decision is not None for line in lines) > 1000
    assert check(tmp_path, month) == 0
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 6
    assert all(row.startswith("kept") for row in told)


def changed(month, kind, pick, **values) -> list[list[Record]]:
    """A day of the month with one record changed: the last that `pick` chooses."""
    for day in reversed(month):
        for index in reversed(range(len(day))):
            if isinstance(day[index], kind) and pick(day[index]):
                return [[*day[:index], replace(day[index], **values), *day[index + 1 :]]]
    raise AssertionError("no such record")


def is_abandoned(line: LineRecord) -> bool:
    return line.result == LineResult.ABANDONED


def is_bold(decision: DecisionRecord) -> bool:
    return decision.lines > decision.ready and decision.exposure is not None


@pytest.mark.parametrize(
    ("kind", "pick", "values", "told"),
    [
        (LineRecord, is_abandoned, {"message_at": None, "ended_at": None}, "hears who called"),
        (LineRecord, lambda line: line.shown, {"shown": False}, "see the campaign's number"),
        (
            LineRecord,
            lambda line: line.decision is not None and line.cause == "no_answer",
            {"last_abandoned_at": datetime(2026, 6, 20, 16, tzinfo=UTC)},
            "no machine calls the number",
        ),
        (DecisionRecord, is_bold, {"exposure": 50}, "three times as many people"),
        (DecisionRecord, is_bold, {"chance": 0.9}, "three times as many people"),
        (DecisionRecord, is_bold, {"talking": 3, "ready": 0, "wrapping_up": 0}, "three times"),
    ],
)
def test_one_changed_record_is_found(month, tmp_path, capsys, kind, pick, values, told):
    assert check(tmp_path, changed(month, kind, pick, **values)) == 1
    (row,) = [row for row in capsys.readouterr().out.splitlines() if row.startswith("BROKEN")]
    assert told in row


def test_a_line_that_was_cut_short_is_found(month, tmp_path, capsys):
    rang_out = next(
        line
        for line in reversed(month[-1])
        if isinstance(line, LineRecord) and line.cause == "no_answer" and line.ended_at
    )
    early = {"ended_at": rang_out.dialled_at + timedelta(seconds=10)}
    days = changed(month, LineRecord, lambda line: line.line == rang_out.line, **early)
    assert check(tmp_path, days) == 1
    assert f"line {rang_out.line}" in capsys.readouterr().out


def test_a_file_that_cannot_be_read_is_refused_by_row_and_column(month, tmp_path, capsys):
    check(tmp_path, month[:1])
    file = tmp_path / "00.csv"
    file.write_text(file.read_text().replace(",yes,", ",maybe,"))
    assert main("GB", [str(file)]) == 2
    assert "shown" in capsys.readouterr().err


def test_a_country_without_rules_is_said(tmp_path, capsys):
    assert main("XX", [str(tmp_path / "00.csv")]) == 2
    assert "XX" in capsys.readouterr().err
