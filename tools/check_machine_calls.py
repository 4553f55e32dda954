"""Check whether machine calls followed a country's rules.

    python -m tools.check_machine_calls GB records.csv [records.csv …]

The program reads the calls' records in these files and the rules in `phonebank/rules/*.yaml`, and
nothing else. Several files, such as those of a month, are checked together. The exit status is 1 if
a rule is broken. The exit status is 2 if a file cannot be read, if there are no rules for the
country, or if no country or no file is named.
"""

import sys
from pathlib import Path

from phonebank.pacing.proof import prove
from phonebank.pacing.records import Record, RecordError, read_records
from phonebank.rules.countries import NoCountryRulesError, rules_for


def main(country: str, files: list[str]) -> int:
    """Print for each rule whether the calls in the files followed the rule, and return the exit
    status."""
    records: list[Record] = []
    try:
        law = rules_for(country).machine_calls
    except NoCountryRulesError as fault:
        print(fault, file=sys.stderr)
        return 2
    for name in files:
        try:
            with Path(name).open(encoding="utf-8-sig", newline="") as file:
                records += read_records(file)
        except (OSError, UnicodeDecodeError, RecordError) as fault:
            print(f"{name}: {fault}", file=sys.stderr)
            return 2
    findings = prove(records, law)
    for finding in findings:
        print(f"{'kept  ' if finding.is_kept else 'BROKEN'}  {finding.rule}: {finding.found}")
        for broken in finding.broken:
            print(f"        {broken}")
    return int(not all(finding.is_kept for finding in findings))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(sys.argv[1], sys.argv[2:]))
