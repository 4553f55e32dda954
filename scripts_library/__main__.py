"""Check script files from a terminal: `python -m scripts_library my-script.en.yaml`."""

import sys
from pathlib import Path

from scripts_library.checks import shortest_and_longest_seconds
from scripts_library.format import faults, parse


def check_files(names: list[str]) -> int:
    """Print every fault of every file; 1 where any file cannot be used, else 0."""
    unusable = False
    for name in names:
        try:
            text = Path(name).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as trouble:
            print(f"{name}: cannot be read: {trouble}")
            unusable = True
            continue
        found = faults(text, name)
        for fault in found:
            print(f"{name}: {fault.severity}, {fault}")
        if any(fault.severity == "error" for fault in found):
            unusable = True
            continue
        script = parse(text, name)
        shortest, longest = shortest_and_longest_seconds(script)
        print(
            f"{name}: {len(script.steps)} steps. The caller talks for {shortest} seconds on the"
            f" shortest way through and {longest} on the longest."
        )
    return 1 if unusable else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("Which files? python -m scripts_library my-script.en.yaml …")
    sys.exit(check_files(sys.argv[1:]))
