"""What a country's law and trade practice ask of a phone bank: read from `rules/*.yaml`, pure.

Every figure is a Fact: the value, where it comes from, and whether it is law or only practice, so
that a page can show all three. A faulty file stops the reading with its name and the key at fault.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, cast

import holidays
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from phonebank.rules.time_zones import UnknownTimeZone, time_zone
from phonebank.rules.week_hours import SUNDAY, Opening, WeekHours, WeekHoursFault

RULES_DIRECTORY = Path(__file__).parent

LAW = "law"
PRACTICE = "practice"

NO_CALLS = "no_calls"
AS_SUNDAY = "as_sunday"
AS_ANY_DAY = "as_any_day"

T = TypeVar("T")


class CountryRulesFault(ValueError):
    """A rules file that cannot be used; the text names the file and the key."""


class NoRulesForCountry(LookupError):
    """There is no rules file for this country; the text names those there are."""


@dataclass(frozen=True)
class Fact(Generic[T]):
    """A figure or duty with its source. `status` is "law", or "practice" where only a code of
    conduct, a regulator's policy or custom says so."""

    value: T
    source: str
    status: str


@dataclass(frozen=True)
class Holidays:
    """Which public holidays count (`holidays` package codes), and what they do to the hours.

    With several `parts` a day counts if it is a holiday in any of them: a phone number does not
    tell in which part a person lives.
    """

    calendar: str
    parts: tuple[str, ...]
    treated: Fact[Literal["no_calls", "as_sunday", "as_any_day"]]

    def include(self, day: date) -> bool:
        return day in _holiday_dates(self.calendar, self.parts, day.year)


@dataclass(frozen=True)
class AbandonedCalls:
    """At most `ceiling_percent` of calls answered by a person may find no caller there, counted
    over `window_days`. A phone bank in which every caller dials for themselves abandons none."""

    ceiling_percent: Fact[float]
    window_days: Fact[int]


@dataclass(frozen=True)
class Screening:
    """The register of people who do not want calls: screen against a copy at most `age_days` old.
    `required` is false where political calls are exempt."""

    register: str
    required: Fact[bool]
    age_days: Fact[int]


# Compared and hashed by identity: one object a country and process, and hashing the whole content
# on every look into a cache would cost more than the cache saves.
@dataclass(frozen=True, eq=False)
class CountryRules:
    """All rules of one country; hours are in the local time of the person rung."""

    code: str  # ISO 3166, two capitals
    name: str
    time_zones: Fact[tuple[str, ...]]
    permitted_hours: Fact[WeekHours]
    usual_hours: Fact[WeekHours]
    holidays: Holidays
    abandoned_calls: AbandonedCalls
    minimum_ring_seconds: Fact[int]
    screening: Screening | None
    identification: Fact[str]
    retention_days: Fact[int]
    cautions: tuple[Fact[str], ...]

    def permitted_on(self, day: date) -> Opening | None:
        """When people may be rung on that date, holidays taken into account."""
        week = self.permitted_hours.value.days
        treated = self.holidays.treated.value
        if treated == AS_ANY_DAY or not self.holidays.include(day):
            return week[day.weekday()]
        return week[SUNDAY] if treated == AS_SUNDAY else None

    def hours_typed(self, data: object) -> WeekHours:
        """A campaign's hours as somebody typed them, in the form that `WeekHours.parse` reads.

        Raises WeekHoursFault, also for hours outside what the country permits.
        """
        return WeekHours.parse(data, self.permitted_hours.value, self.name)

    def hours_stored(self, data: Mapping[str, object]) -> WeekHours:
        """A campaign's hours as its row holds them; an empty row means the country's usual hours.

        Not compared with the country's permitted hours again: those always apply on top.
        """
        return WeekHours.parse(data) if data else self.usual_hours.value


def countries() -> tuple[str, ...]:
    """The countries that have rules, as sorted ISO codes."""
    return tuple(sorted(path.stem.upper() for path in RULES_DIRECTORY.glob("*.yaml")))


@cache
def rules_for(country: str) -> CountryRules:
    """The rules of a country, by its two capitals; read once.

    Raises NoRulesForCountry, CountryRulesFault.
    """
    if country not in countries():
        raise NoRulesForCountry(
            f"There are no calling rules for “{country}”; there are for {', '.join(countries())}."
        )
    return read_rules(RULES_DIRECTORY / f"{country.lower()}.yaml")


def read_rules(path: Path) -> CountryRules:
    """Read one rules file.

    Raises CountryRulesFault naming the file and the first faulty key.
    """
    try:
        data = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as fault:
        raise CountryRulesFault(f"{path.name}: it cannot be read as YAML: {fault}") from fault
    top = _Section(path.name, "", data)
    rules = CountryRules(
        code=top.checked("country", _country_code(path)),
        name=top.checked("name", _text),
        time_zones=top.fact("time_zones", _time_zones),
        permitted_hours=top.fact("permitted_hours", WeekHours.parse),
        usual_hours=top.fact("usual_hours", WeekHours.parse),
        holidays=_holidays(top.section("holidays")),
        abandoned_calls=_abandoned_calls(top.section("abandoned_calls")),
        minimum_ring_seconds=top.fact("minimum_ring_seconds", _whole_number(5, 60)),
        screening=_screening(top),
        identification=top.fact("identification", _text),
        retention_days=top.fact("retention_days", _whole_number(1, 3660)),
        cautions=tuple(caution.as_fact(_text) for caution in top.sections("cautions")),
    )
    top.refuse_unread()
    outside = rules.usual_hours.value.outside(rules.permitted_hours.value, rules.name)
    if outside:
        raise CountryRulesFault(f"{path.name}: usual_hours.value: {' '.join(outside.values())}")
    return rules


def _holidays(section: "_Section") -> Holidays:
    calendar = section.checked("calendar", _calendar)
    no_parts: tuple[str, ...] = ()
    parts = section.checked("parts", _parts_of(calendar), default=no_parts)
    treated = section.fact("treated", _one_of(NO_CALLS, AS_SUNDAY, AS_ANY_DAY))
    section.refuse_unread()
    return Holidays(calendar, parts, cast("Fact[Any]", treated))


def _abandoned_calls(section: "_Section") -> AbandonedCalls:
    read = AbandonedCalls(
        ceiling_percent=section.fact("ceiling_percent", _percent),
        window_days=section.fact("window_days", _whole_number(1, 31)),
    )
    section.refuse_unread()
    return read


def _screening(top: "_Section") -> Screening | None:
    if top.data.get("screening", "absent") is None:
        top.unread.discard("screening")
        return None
    section = top.section("screening")
    read = Screening(
        register=section.checked("register", _text),
        required=section.fact("required", _yes_or_no),
        age_days=section.fact("age_days", _whole_number(1, 366)),
    )
    section.refuse_unread()
    return read


class _Section:
    """A mapping of the file, with its place for messages and the keys nobody has asked for yet."""

    def __init__(self, file: str, place: str, data: object) -> None:
        self.file, self.place = file, place
        if not isinstance(data, Mapping):
            raise CountryRulesFault(f"{file}: {place or 'the file'}: must be a set of keys.")
        self.data: Mapping[Any, Any] = data
        self.unread = {str(key) for key in data}

    def at(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key

    def checked(self, key: str, check: Callable[[Any], T], default: T | None = None) -> T:
        """The key's value after `check`, which raises ValueError saying what it must be."""
        if key not in self.data:
            if default is not None:
                return default
            raise CountryRulesFault(f"{self.file}: {self.at(key)}: is missing.")
        self.unread.discard(key)
        try:
            return check(self.data[key])
        except (WeekHoursFault, UnknownTimeZone, ValueError) as fault:
            raise CountryRulesFault(f"{self.file}: {self.at(key)}: {fault}") from fault

    def section(self, key: str) -> "_Section":
        return _Section(self.file, self.at(key), self.checked(key, lambda value: value))

    def sections(self, key: str) -> list["_Section"]:
        rows: list[Any] = self.checked(key, _list, default=[])
        return [_Section(self.file, f"{self.at(key)}[{n}]", row) for n, row in enumerate(rows)]

    def fact(self, key: str, check: Callable[[Any], T]) -> Fact[T]:
        return self.section(key).as_fact(check)

    def as_fact(self, check: Callable[[Any], T]) -> Fact[T]:
        """This section itself as value, source and status; a status not given is law."""
        read = Fact(
            value=self.checked("value", check),
            source=self.checked("source", _text),
            status=self.checked("status", _one_of(LAW, PRACTICE), default=LAW),
        )
        self.refuse_unread()
        return read

    def refuse_unread(self) -> None:
        """A key that nothing reads is a slip of the pen that would pass for a rule."""
        if self.unread:
            raise CountryRulesFault(
                f"{self.file}: {self.at(min(self.unread))}: is not a known key."
            )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be some text.")
    return " ".join(value.split())


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("must be a list.")
    return value


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not “{value}”.")
    return value


def _whole_number(least: int, most: int) -> Callable[[object], int]:
    def check(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"must be a whole number from {least} to {most}, not “{value}”.")
        return value

    return check


def _percent(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 10:
        raise ValueError(f"must be a percentage from 0 to 10, not “{value}”.")
    return float(value)


def _one_of(*allowed: str) -> Callable[[object], str]:
    def check(value: object) -> str:
        if value not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}, not “{value}”.")
        return str(value)

    return check


def _country_code(path: Path) -> Callable[[object], str]:
    return _one_of(path.stem.upper())


def _time_zones(value: object) -> tuple[str, ...]:
    names = tuple(str(name) for name in _list(value))
    for name in names:
        time_zone(name)
    if not names:
        raise ValueError("must name at least one time zone.")
    return names


def _calendar(value: object) -> str:
    return _one_of(*holidays.list_supported_countries())(value)


def _parts_of(calendar: str) -> Callable[[object], tuple[str, ...]]:
    def check(value: object) -> tuple[str, ...]:
        known = holidays.list_supported_countries()[calendar]
        return tuple(_one_of(*known)(part) for part in _list(value))

    return check


@cache
def _holiday_dates(calendar: str, parts: tuple[str, ...], year: int) -> frozenset[date]:
    """Both the day itself and the working day given in its place, where the law gives one."""
    return frozenset(
        day
        for part in parts or (None,)
        for day in holidays.country_holidays(calendar, subdiv=part, years=year)
    )
