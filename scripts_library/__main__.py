"""Check script files from a terminal: `python -m scripts_library my-script.en.yaml`."""

import sys
from pathlib import Path

from scripts_library.checks import talking_seconds
from scripts_library.parser import diagnose, parse


def check_files(names: list[str]) -> int:
    """Print the errors and warnings about each file. For a script without errors, also print the
    number of its steps and how long the caller talks. Return 1 if any file cannot be read or has an
    error, otherwise 0."""
    unusable = False
    for name in names:
        try:
            text = Path(name).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            print(f"{name}: cannot be read: {error}")
            unusable = True
            continue
        found = diagnose(text)
        for diagnostic in found:
            print(f"{name}: {diagnostic.severity}, {diagnostic}")
        if any(diagnostic.severity == "error" for diagnostic in found):
            unusable = True
            continue
        script = parse(text, name)
        shortest, longest = talking_seconds(script)
        print(
            f"{name}: {len(script.steps)} steps. The caller talks for {shortest} seconds on the"
            f" shortest way through and {longest} on the longest."
        )
    return 1 if unusable else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("Which files? python -m scripts_library my-script.en.yaml …")
    sys.exit(check_files(sys.argv[1:]))
