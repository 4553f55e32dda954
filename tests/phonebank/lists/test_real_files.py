"""Files as people have them: what each row comes to, from the upload's bytes on."""

import pytest

from phonebank.csv_input.column_guesses import guess_columns
from phonebank.csv_input.column_mapping import Mapping
from phonebank.csv_input.rows import read_rows, sniff
from phonebank.lists.batching import prepare_batches
from phonebank.lists.normalise import ContactRow, RefusedRow, normalise
from phonebank.rules.time_zones import canonical_name


def imported(text: str, country: str) -> dict[str, list[str] | str]:
    """First name → the numbers stored, the one to call first; or the reason of the refusal."""
    content = text.encode()
    header, *rows = list(read_rows([content], sniff(content)))
    targets = [column.target for column in guess_columns(header.cells, [row.cells for row in rows])]
    mapping = Mapping.of(header.cells, targets)
    outcome: dict[str, list[str] | str] = {}
    for row in rows:
        read = normalise(row, mapping, country)
        numbers = read.reason if isinstance(read, RefusedRow) else [read.phone, *read.other_phones]
        outcome[row.cells[0]] = numbers
    return outcome


def zones(text: str, country: str) -> dict[str, set[str]]:
    """First name → the time zones the person may be in."""
    content = text.encode()
    header, *rows = list(read_rows([content], sniff(content)))
    targets = [column.target for column in guess_columns(header.cells, [row.cells for row in rows])]
    mapping = Mapping.of(header.cells, targets)
    keys = {}
    for row in rows:
        assert isinstance(normalise(row, mapping, country), ContactRow), row
        [batch] = prepare_batches(iter([row]), 0, mapping, country, allow_drama=False)
        [key] = batch.zone_keys
        keys[row.cells[0]] = set(key.split("|"))
    return keys


def test_a_german_list_with_second_numbers_lacking_their_area_code() -> None:
    text = (
        "Vorname;Telefon\n"
        "A;+49 30 23125503/23125504\n"
        "B;(030) 23125501/23125502\n"
        "C;+49 (0)30 23125505 / 23125506\n"
        "D;+49 30 23125511 oder 23125512\n"
        "E;+49 30 23125517, 23125518\n"
        "F;Tel. 030 23125527/23125528\n"
        '"G";"+49 40 23125624\n23125625"\n'
        "H;Mobil +49 170 0000001, privat 23125628\n"
    )
    assert imported(text, "DE") == {
        "A": ["+493023125503"],
        "B": ["+493023125501"],
        "C": ["+493023125505"],
        "D": ["+493023125511"],
        "E": ["+493023125517"],
        "F": ["+493023125527"],
        "G": ["+494023125624"],
        "H": ["+491700000001"],
    }


def test_notes_with_digits() -> None:
    text = (
        "First name,Phone\n"
        "A,020 7946 0261 after 6pm\n"
        "B,020 7946 0262 (after 18:00)\n"
        "C,after 6: 020 7946 0264\n"
        "D,020 7946 0229 m: 020 7946 0999\n"
    )
    assert imported(text, "GB") == {
        "A": ["+442079460261"],
        "B": ["+442079460262"],
        "C": ["+442079460264"],
        "D": ["+442079460229", "+442079460999"],
    }
    american = "First name,Phone\nE,+1 (202) 555-0117 (cell) (301) 555-0118 (home)\n"
    assert imported(american, "US") == {"E": ["+12025550117", "+13015550118"]}


def test_numbers_of_canada_and_the_caribbean_in_an_american_list() -> None:
    text = (
        "First name,Phone\nBahamas,(242) 357-0123\nJamaica,876-555-0124\n"
        "Vancouver,(604) 555-0100\nBoston,(617) 555-0100\nSan Juan,(787) 250-0100\n"
    )
    assert imported(text, "US") == {
        "Bahamas": "another_country",
        "Jamaica": "another_country",
        "Vancouver": "another_country",
        "Boston": ["+16175550100"],
        "San Juan": ["+17872500100"],
    }
    canadian = imported(text, "CA")
    assert [name for name, read in canadian.items() if isinstance(read, list)] == ["Vancouver"]


def test_telephones_of_other_people_beside_the_persons_own() -> None:
    members = (
        "First name,Phone,Branch Secretary Mobile,Spouse Mobile\n"
        "Ada,0117 496 0544,0117 496 0546,0117 496 0547\n"
    )
    assert imported(members, "GB") == {"Ada": ["+441174960544"]}
    outlook = (
        "First Name,Last Name,Assistant's Phone,Company Main Phone,Mobile Phone\n"
        "Ada,Example,0117 496 0526,0117 496 0530,0117 496 0532\n"
    )
    assert imported(outlook, "GB") == {"Ada": ["+441174960532"]}


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        (
            "First name,Phone\nOrlando,689-555-0100\nChattanooga,423-555-0102\nGary,219-555-0103\n"
            "Pensacola,850-555-0104\nPaducah,270-555-0105\nScottsbluff,308-555-0106\n"
            "Evansville,812-555-0107\nOwensboro overlay,364-555-0108\n",
            "US",
            {
                "Orlando": "New_York",
                "Chattanooga": "New_York Chicago",
                "Gary": "Chicago",
                "Pensacola": "Chicago New_York",
                "Paducah": "Chicago New_York",
                "Scottsbluff": "Denver Chicago",
                "Evansville": "Chicago Indiana/Indianapolis",
                "Owensboro overlay": "Chicago New_York",
            },
        ),
        (
            "First name,Phone\nIqaluit,867-222-0101\nKenora,807-555-0104\n",
            "CA",
            {"Iqaluit": "Iqaluit Whitehorse Rankin_Inlet", "Kenora": "Winnipeg Toronto"},
        ),
    ],
)
def test_an_area_code_has_every_zone_it_may_be_in(
    text: str, country: str, expected: dict[str, str]
) -> None:
    found = zones(text, country)
    for name, reached in expected.items():
        assert {canonical_name(f"America/{zone}") for zone in reached.split()} <= found[name], name
    if country == "US":
        assert found["Orlando"] == {"America/New_York"}


def test_abbreviations_in_a_time_zone_column_are_the_clock_on_the_wall() -> None:
    american = (
        "First name,Phone,Time zone\n"
        "East,202-555-0180,EST\nMountain,303-555-0181,MST\nUtc,202-555-0189,UTC\n"
    )
    assert zones(american, "US") == {
        "East": {"America/New_York"},
        "Mountain": {"America/Denver"},
        "Utc": {"America/New_York"},
    }
    british = (
        "First name,Phone,Time zone\nG1,0117 496 0501,GMT\nG3,0117 496 0503,UTC\n"
        "G7,0117 496 0507,Greenwich\n"
    )
    assert zones(british, "GB") == {name: {"Europe/London"} for name in ("G1", "G3", "G7")}
