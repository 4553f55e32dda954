"""The rules files are complete, name each source, and refuse typing errors."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from phonebank.rules.countries import (
    RULES_DIRECTORY,
    CountryRulesError,
    Fact,
    NoCountryRulesError,
    countries,
    read_rules,
    rules_for,
)
from phonebank.rules.week_hours import span


def facts_of(thing: Any) -> list[Fact[Any]]:
    if isinstance(thing, Fact):
        return [thing]
    if isinstance(thing, tuple):
        return [fact for part in thing for fact in facts_of(part)]
    if is_dataclass(thing):
        return [fact for f in fields(thing) for fact in facts_of(getattr(thing, f.name))]
    return []


def test_five_countries_have_rules() -> None:
    assert countries() == ("CA", "DE", "GB", "IE", "US")


@pytest.mark.parametrize("country", countries())
def test_every_figure_has_a_source_and_a_status(country: str) -> None:
    facts = facts_of(rules_for(country))
    assert len(facts) >= 4
    assert all(fact.source and fact.status in {"law", "practice"} for fact in facts)


@pytest.mark.parametrize("country", countries())
def test_usual_hours_lie_inside_the_permitted_ones(country: str) -> None:
    rules = rules_for(country)
    usual, permitted = rules.usual_hours.value, rules.permitted_hours.value
    assert usual.outside(permitted, rules.name) == {}
    assert any(rules.usual_hours.value.days)


def test_rules_are_read_once() -> None:
    assert rules_for("GB") is rules_for("GB")


def test_a_country_without_rules_is_refused_by_name() -> None:
    with pytest.raises(NoCountryRulesError, match=r"“FR”; there are for CA, DE, GB, IE, US"):
        rules_for("FR")


@pytest.mark.parametrize("country", ["gb", "../GB", ""])
def test_only_the_exact_code_is_a_country(country: str) -> None:
    with pytest.raises(NoCountryRulesError):
        rules_for(country)


def test_the_numbers_organisers_rely_on() -> None:
    us, ca, de = (rules_for(code) for code in ("US", "CA", "DE"))
    assert us.permitted_hours.value.to_json()["sun"] == ["08:00", "21:00"]  # 47 CFR 64.1200(c)(1)
    assert ca.permitted_hours.value.to_json()["mon"] == ["09:00", "21:30"]  # CRTC, section 23
    assert de.permitted_hours.value.to_json()["sun"] == []
    machine = rules_for("GB").machine_calls  # Ofcom, persistent misuse
    assert machine.abandoned_ceiling.value == 0.03
    assert machine.seconds_to_message.value == 2
    assert machine.redial_after_hours.value == 72
    assert machine.ring_at_least_seconds.value == 15


def test_british_bank_holidays_have_sunday_hours_whichever_nation_keeps_them() -> None:
    gb = rules_for("GB")
    monday, sunday = (8 * 60, 21 * 60), (9 * 60, 21 * 60)
    assert gb.permitted_on(date(2026, 11, 23)) == monday
    assert gb.permitted_on(date(2026, 12, 28)) == sunday  # in place of Boxing Day, a Saturday
    assert gb.permitted_on(date(2026, 11, 30)) == sunday  # St Andrew's Day, Scotland
    assert gb.permitted_on(date(2026, 3, 17)) == sunday  # St Patrick's Day, Northern Ireland


def test_germany_and_ireland_are_silent_on_holidays_and_america_is_not() -> None:
    assert rules_for("DE").permitted_on(date(2026, 10, 3)) is None
    assert rules_for("DE").permitted_on(date(2026, 10, 31)) is None  # Reformation Day, nine Länder
    assert rules_for("IE").permitted_on(date(2026, 3, 17)) is None
    assert rules_for("US").permitted_on(date(2026, 11, 26)) == (8 * 60, 21 * 60)


def test_canadian_holidays_are_the_national_ones() -> None:
    canada = rules_for("CA")
    weekday, sunday = (9 * 60, 21 * 60 + 30), (10 * 60, 18 * 60)
    assert canada.permitted_on(date(2026, 7, 1)) == sunday  # Canada Day, a Wednesday
    assert canada.permitted_on(date(2026, 2, 16)) == weekday  # Family Day, in some provinces
    assert canada.permitted_on(date(2026, 6, 24)) == weekday  # Saint-Jean-Baptiste, in Quebec


def spoil(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], Path]:
    """A copy of the British file with one thing changed."""

    def write(directory: Path) -> Path:
        data = yaml.safe_load((RULES_DIRECTORY / "gb.yaml").read_text(encoding="utf-8"))
        change(data)
        path = directory / "gb.yaml"
        path.write_text(yaml.safe_dump(data), encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda d: d.pop("name"), r"gb\.yaml: name: is missing"),
        (lambda d: d["usual_hours"].pop("source"), r"usual_hours\.source: is missing"),
        (
            lambda d: d["permitted_hours"]["value"].update(mon=["21:00", "08:00"]),
            r"permitted_hours\.value: Monday: the end, 08:00, must be later than the start, 21:00",
        ),
        (
            lambda d: d["usual_hours"]["value"].update(tue=["07:00", "21:00"]),
            r"usual_hours\.value: Tuesday: 07:00 to 21:00 goes outside 08:00 to 21:00",
        ),
        (
            lambda d: d["holidays"]["treated"].update(value="a bit"),
            r"holidays\.treated\.value: must be one of no_calls, as_sunday, as_any_day",
        ),
        (lambda d: d["holidays"].update(parts=["YORKS"]), r"holidays\.parts: must be one of .*ENG"),
        (lambda d: d["holidays"].update(calendar="ZZ"), r"holidays\.calendar: must be one of"),
        (
            lambda d: d["time_zones"].update(value=["Europe/Lundon"]),
            r"time_zones\.value: “Europe/Lundon” is not a time zone",
        ),
        (lambda d: d["time_zones"].update(value=[]), r"time_zones\.value: must name at least one"),
        (lambda d: d.update(country="FR"), r"country: must be one of GB, not “FR”"),
        (
            lambda d: d["holidays"]["treated"].update(status="rumour"),
            r"holidays\.treated\.status: must be one of law, practice, not “rumour”",
        ),
        (lambda d: d.pop("holidays"), r"holidays: is missing"),
        (lambda d: d.update(holidays=7), r"holidays: must be a set of keys"),
        (lambda d: d.update(retenshun=3), r"gb\.yaml: retenshun: is not a known key"),
        (lambda d: d.update(usual_hours="Hello"), r"usual_hours: must be a set of keys"),
        (lambda d: d["usual_hours"].update(source=" "), r"usual_hours\.source: must be some"),
    ],
)
def test_a_faulty_file_is_refused_with_its_name_and_the_key(
    change: Callable[[dict[str, Any]], Any], complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(CountryRulesError, match=complaint):
        read_rules(spoil(change)(tmp_path))


@pytest.mark.parametrize(
    "text",
    ["country: [GB", "country: GB\ncountry: GB\n", "", "- a list", "\ufeff\x00"],
    ids=["unclosed", "twice the same key", "empty", "a list", "binary"],
)
def test_a_file_that_is_no_set_of_rules_is_refused_by_name(text: str, tmp_path: Path) -> None:
    path = tmp_path / "gb.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CountryRulesError, match=r"gb\.yaml: "):
        read_rules(path)


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(CountryRulesError, match=r"xx\.yaml: it cannot be read"):
        read_rules(tmp_path / "xx.yaml")


@pytest.mark.parametrize(
    ("country", "on_the_page", "in_the_rules"),
    [
        ("CA", "Part III, sections 23 and 24", "Part III, sections 23 and 24"),
        ("DE", "(CCV and DDV) of 2015", "(CCV and DDV), 1 January 2015"),
        ("IE", "Consumer Protection Code", "Consumer Protection Code"),
        ("IE", "quoted from memory", "quoted from memory"),
        ("GB", "trade code (DMA)", "DMA Code of Practice"),
        ("GB", "PECR 2003, sets no hours", "PECR 2003 sets no hours"),
        ("US", "47 CFR 64.1200(c)(1)", "47 CFR 64.1200(c)(1)"),
    ],
)
def test_the_page_for_organisers_names_the_same_sources_of_the_hours(
    country: str, on_the_page: str, in_the_rules: str
) -> None:
    page = (Path(__file__).parents[3] / "docs" / "calling-rules.md").read_text(encoding="utf-8")
    rules = rules_for(country)
    [line] = [line for line in page.splitlines() if line.startswith(f"- **{rules.name}**")]
    assert on_the_page in line
    assert in_the_rules in rules.permitted_hours.source
    assert rules.permitted_hours.status == "practice", "the page says that none of them is law"


def test_the_page_for_organisers_gives_the_same_numbers() -> None:
    page = (Path(__file__).parents[3] / "docs" / "calling-rules.md").read_text(encoding="utf-8")
    holidays = {
        "no_calls": "no calls",
        "as_sunday": "Sunday's hours",
        "as_any_day": "as any day",
    }
    for rules in map(rules_for, countries()):
        week = [span(day) if day else "none" for day in rules.permitted_hours.value.days]
        assert len(set(week[:5])) == 1
        hours = [week[0], week[5], week[6], holidays[rules.holidays.treated.value]]
        assert f"| {rules.name} | {' | '.join(hours)} |" in page
