"""Reads the rules in `rules/*.yaml`: what each country's law and common practice require of a phone
bank.

Most values are Facts. A Fact has a value, the source of the value, and whether the value is law or
only practice. Pages can show all three. Reading a file stops at the first fault, and the error
names the file and the place of the fault.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, cast

import holidays
import yaml

from phonebank.rules.time_zones import UnknownTimeZoneError, time_zone
from phonebank.rules.week_hours import SUNDAY, Opening, WeekHours, WeekHoursError

RULES_DIRECTORY = Path(__file__).parent

LAW = "law"
PRACTICE = "practice"

NO_CALLS = "no_calls"
AS_SUNDAY = "as_sunday"
AS_ANY_DAY = "as_any_day"

T = TypeVar("T")


class CountryRulesError(ValueError):
    """The error for a rules file that cannot be used. Its text names the file and the key that has
    a fault. If the whole file cannot be read, the text names only the file."""


class NoCountryRulesError(LookupError):
    """The error for a country without a rules file. Its text names the countries that have
    rules."""


@dataclass(frozen=True)
class Fact(Generic[T]):
    """A figure or a duty, with its source.

    `status` is "law", or "practice" for a code of conduct, a regulator's policy or a custom.
    """

    value: T
    source: str
    status: str


@dataclass(frozen=True)
class Holidays:
    """Which public holidays count, and how a public holiday changes the calling hours. `calendar`
    and `parts` are codes of the `holidays` package.

    If `parts` is empty, only the holidays of the whole country count. If `parts` names several
    parts of the country, a day counts if it is a holiday in any of them, because a phone number
    does not show which part a person lives in.
    """

    calendar: str
    parts: tuple[str, ...]
    treated: Fact[Literal["no_calls", "as_sunday", "as_any_day"]]

    def include(self, day: date) -> bool:
        """Whether a date is a public holiday, or a day off that replaces one."""
        return day in _holiday_dates(self.calendar, self.parts, day.year)


@dataclass(frozen=True)
class Screening:
    """The rules for a register of numbers whose owners do not want calls. `register` is the
    register's name with the article, such as "the TPS". When a list of people has been checked
    against the register, the check is valid for `days` days. If `blocks` is true, the law forbids
    calls to people on a list that has no valid check."""

    register: str
    days: Fact[int]
    blocks: bool


@dataclass(frozen=True)
class MachineCalls:
    """The rules for calls dialled by a machine."""

    # The largest share of the people who answer in a day that may find nobody to talk to.
    abandoned_ceiling: Fact[float]
    # Within this many seconds after a person answers, a caller must speak or the information
    # message must begin.
    seconds_to_message: Fact[int]
    # For this many hours after an abandoned call, no machine may dial the number.
    redial_after_hours: Fact[int]
    ring_at_least_seconds: Fact[int]


# The rules are compared and hashed by identity, because each process has one object for each
# country. Hashing all the content for every cache look-up would cost more than the cache saves.
@dataclass(frozen=True, eq=False)
class CountryRules:
    """The rules of one country. Hours are in the local time of the person who is called."""

    code: str  # ISO 3166, two capitals
    name: str
    time_zones: Fact[tuple[str, ...]]
    permitted_hours: Fact[WeekHours]
    usual_hours: Fact[WeekHours]
    holidays: Holidays
    # The proposed number of days that a campaign keeps its people's data after its last day.
    retention_days: Fact[int]
    machine_calls: MachineCalls
    # None if the country has no such register.
    screening: Screening | None = None

    def permitted_on(self, day: date) -> Opening | None:
        """Return the hours in which calls are permitted on a date, or None if no calls are
        permitted. If the date is a public holiday, `holidays.treated` decides which hours apply."""
        week = self.permitted_hours.value.days
        treated = self.holidays.treated.value
        if treated == AS_ANY_DAY or not self.holidays.include(day):
            return week[day.weekday()]
        return week[SUNDAY] if treated == AS_SUNDAY else None

    def parse_hours(self, data: object) -> WeekHours:
        """Read a campaign's hours from a form, in the format of `WeekHours.parse`.

        Raises WeekHoursError if the hours cannot be used, or if they are outside the hours that the
        country permits.
        """
        return WeekHours.parse(data, self.permitted_hours.value, self.name)

    def read_stored_hours(self, data: Mapping[str, object]) -> WeekHours:
        """Read the calling hours that are stored for a campaign. If none are stored, the country's
        usual hours apply.

        The hours are not compared with the permitted hours here, because the permitted hours are
        checked at every call.
        """
        return WeekHours.parse(data) if data else self.usual_hours.value


def countries() -> tuple[str, ...]:
    """Return the ISO 3166-1 codes of the countries that have rules, sorted."""
    return tuple(sorted(path.stem.upper() for path in RULES_DIRECTORY.glob("*.yaml")))


@cache
def rules_for(country: str) -> CountryRules:
    """Return the rules of a country by its ISO 3166-1 alpha-2 code.

    Each process reads the rules of a country once. Raises NoCountryRulesError if there are no rules
    for the country, and CountryRulesError if its rules file has a fault.
    """
    if country not in countries():
        raise NoCountryRulesError(
            f"There are no calling rules for “{country}”; there are for {', '.join(countries())}."
        )
    return read_rules(RULES_DIRECTORY / f"{country.lower()}.yaml")


def zone_of_country(country: str) -> str:
    """Return the first time zone in a country's rules, or "UTC" if there are no rules for the
    country."""
    try:
        return rules_for(country).time_zones.value[0]
    except NoCountryRulesError:
        return "UTC"


def read_rules(path: Path) -> CountryRules:
    """Read one rules file.

    Raises CountryRulesError if the file cannot be read or has a fault. The error names the file
    and, if the file has a set of keys, one faulty key.
    """
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a safe one
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as fault:
        raise CountryRulesError(f"{path.name}: it cannot be read as YAML: {fault}") from fault
    top = _Section(path.name, "", data)
    rules = CountryRules(
        code=top.read("country", _country_code(path)),
        name=top.read("name", _text),
        time_zones=top.fact("time_zones", _time_zones),
        permitted_hours=top.fact("permitted_hours", WeekHours.parse),
        usual_hours=top.fact("usual_hours", WeekHours.parse),
        holidays=_holidays(top.section("holidays")),
        retention_days=top.fact("retention_days", _number("days", 3650)),
        machine_calls=_machine_calls(top.section("machine_calls")),
        screening=_screening(top.section("screening")) if "screening" in top.data else None,
    )
    top.refuse_unread()
    outside = rules.usual_hours.value.outside(rules.permitted_hours.value, rules.name)
    if outside:
        raise CountryRulesError(f"{path.name}: usual_hours.value: {' '.join(outside.values())}")
    return rules


class _Loader(yaml.SafeLoader):
    """A YAML loader that refuses a repeated key. PyYAML's own loader would silently keep the last
    value."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                twice = f"the key “{key.value}” comes twice"
                raise yaml.constructor.ConstructorError(None, None, twice, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _screening(section: "_Section") -> Screening:
    read = Screening(
        register=section.read("register", _text),
        days=section.fact("days", _number("days", 3650)),
        blocks=section.read("blocks", _yes_or_no),
    )
    section.refuse_unread()
    return read


def _holidays(section: "_Section") -> Holidays:
    calendar = section.read("calendar", _calendar)
    no_parts: tuple[str, ...] = ()
    parts = section.read("parts", _parts_of(calendar), default=no_parts)
    treated = section.fact("treated", _one_of(NO_CALLS, AS_SUNDAY, AS_ANY_DAY))
    section.refuse_unread()
    return Holidays(calendar, parts, cast("Fact[Any]", treated))


def _machine_calls(section: "_Section") -> MachineCalls:
    rules = MachineCalls(
        abandoned_ceiling=section.fact("abandoned_ceiling", _share),
        seconds_to_message=section.fact("seconds_to_message", _number("seconds", 60)),
        redial_after_hours=section.fact("redial_after_hours", _number("hours", 720)),
        ring_at_least_seconds=section.fact("ring_at_least_seconds", _number("seconds", 60)),
    )
    section.refuse_unread()
    return rules


class _Section:
    """One mapping in a rules file. The section stores its place in the file, for error messages. It
    also stores the keys that have not been read yet."""

    def __init__(self, file: str, place: str, data: object) -> None:
        self.file, self.place = file, place
        if not isinstance(data, Mapping):
            raise CountryRulesError(f"{file}: {place or 'the file'}: must be a set of keys.")
        self.data: Mapping[Any, Any] = data
        self.unread = {str(key) for key in data}

    def at(self, key: str) -> str:
        """Return the place of a key in the file, for error messages: the section and the key,
        joined by a dot."""
        return f"{self.place}.{key}" if self.place else key

    def read(self, key: str, check: Callable[[Any], T], default: T | None = None) -> T:
        """Return the value of a key, converted by `check`. If the key is missing, return `default`.

        If the value is wrong, `check` raises ValueError with a sentence that says what the value
        must be. This method then raises CountryRulesError. The method also raises CountryRulesError
        if the key is missing and `default` is None.
        """
        if key not in self.data:
            if default is not None:
                return default
            raise CountryRulesError(f"{self.file}: {self.at(key)}: is missing.")
        self.unread.discard(key)
        try:
            return check(self.data[key])
        except (WeekHoursError, UnknownTimeZoneError, ValueError) as fault:
            raise CountryRulesError(f"{self.file}: {self.at(key)}: {fault}") from fault

    def section(self, key: str) -> "_Section":
        """Return the section under a key. Raises CountryRulesError if the key is missing, or if its
        value is not a mapping."""
        return _Section(self.file, self.at(key), self.read(key, lambda value: value))

    def fact(self, key: str, check: Callable[[Any], T]) -> Fact[T]:
        """Return the Fact under a key. Raises CountryRulesError if the key is missing or the
        section under the key is wrong."""
        return self.section(key).as_fact(check)

    def as_fact(self, check: Callable[[Any], T]) -> Fact[T]:
        """Return this section as a Fact. If the section has no status, the fact is law. Raises
        CountryRulesError if a value is missing or wrong, or if there is an unknown key."""
        read = Fact(
            value=self.read("value", check),
            source=self.read("source", _text),
            status=self.read("status", _one_of(LAW, PRACTICE), default=LAW),
        )
        self.refuse_unread()
        return read

    def refuse_unread(self) -> None:
        """Raise CountryRulesError if there is a key that has not been read.

        Such a key is probably misspelt. Without the exception, the key would look like a rule that
        applies.
        """
        if self.unread:
            raise CountryRulesError(
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


def _number(unit: str, most: int) -> Callable[[object], int]:
    def check(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= most:
            raise ValueError(f"must be a number of {unit} from 1 to {most}.")
        return value

    return check


def _share(value: object) -> float:
    if not isinstance(value, float) or not 0 < value <= 0.1:
        raise ValueError("must be a share from 0 to 0.1, such as 0.03.")
    return value


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false.")
    return value


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
    """Return the dates of the public holidays in a year. If a day off replaces a holiday that
    falls, for example, on a Sunday, this day is included too."""
    return frozenset(
        day
        for part in parts or (None,)
        for day in holidays.country_holidays(calendar, subdiv=part, years=year)
    )
