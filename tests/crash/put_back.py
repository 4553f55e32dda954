"""`make put-back`: puts real faults back into a copy of the code, one after another, and soaks it.

The soak must find each fault, by the sentence that is meant for it. PUT_BACK="words" tries only
faults whose name has the words. The exit status is 1 if a fault was not found, or no longer fits
the code.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60
CALLERS = 14
# A soak that has not ended this many seconds after its time hangs.
ENDS_WITHIN = 420  # seconds more


@dataclass(frozen=True)
class Mutation:
    """A fault: `old` in the file becomes `new`, and the soak must say one of `says`.

    `seed`: see `soak`; with an odd one Redis comes back from its own file.
    """

    name: str
    path: str
    old: str
    new: str
    says: tuple[str, ...]
    seed: int = 1


MUTATIONS = (
    Mutation(
        "what another machine's clock signed is too old",
        "phonebank/core/clock_skew.py",
        "    TimedSerializer.default_signer = PatientSigner",
        "    assert TimedSerializer.default_signer is not PatientSigner",
        ("answered 400", "answered 401", "devices were forgotten"),
    ),
    Mutation(
        "resume beats end",
        "phonebank/campaigns/services.py",
        "    lock_row(campaign)\n    target =",
        "    target =",
        ("a campaign that was ended is running",),
    ),
    Mutation(
        "unlock beats a party's end",
        "phonebank/parties/services.py",
        "    lock_row(party)\n    if party.has_ended:\n        raise ConflictError",
        "    if party.has_ended:\n        raise ConflictError",
        ("a party that was ended is",),
    ),
    Mutation(
        "a renewal is said and not written",
        "phonebank/calls/hold.py",
        "    if until - ends >= _apart(held.hold_seconds) or until == held.longest > ends:",
        "    ends = max(until, ends)\n    if until == held.longest > ends:",
        ("before it was promised", "although the call was still promised"),
    ),
    Mutation(
        "a claim goes by what it read before it waited",
        "phonebank/calls/claim.py",
        "    if db.session.scalar(_LOCK, ids) is None:\n        return None\n"
        "    found = _present_state(ids)\n",
        "    found = _present_state(ids)\n    if db.session.scalar(_LOCK, ids) is None:\n"
        "        return None\n",
        ("claimed although the", "a false beginning", "out of hours"),
        seed=2,
    ),
    Mutation(
        "any answer settles an outcome",
        "phonebank/static/js/our_answers.js",
        '    verdictOn: (id) => (id && id === call && verdict) || "",',
        '    verdictOn: (id) => (status < 500 && (verdict || (id && "saved"))) || "",',
        ("was discarded",),
        seed=2,
    ),
)


def main() -> int:
    wanted = os.environ.get("PUT_BACK", "")
    missed = [
        mutation.name
        for mutation in MUTATIONS
        if wanted in mutation.name and not is_found(mutation)
    ]
    for name in missed:
        print(f"NOT FOUND: {name}")
    return 1 if missed else 0


def is_found(mutation: Mutation) -> bool:
    """Whether a soak of the code with this fault finds it."""
    folder = Path(tempfile.mkdtemp(prefix="pb-put-back-"))
    try:
        copy_code(folder)
        faulty = folder / mutation.path
        source = faulty.read_text(encoding="utf-8")
        if source.count(mutation.old) != 1:
            print(f"{mutation.name}: {mutation.path} no longer has it once; change this table")
            return False
        faulty.write_text(source.replace(mutation.old, mutation.new), encoding="utf-8")
        said = soak_output(folder, mutation.seed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    faults = [line for line in said.splitlines() if line.startswith("- ")]
    its = [line for line in faults if any(words in line for words in mutation.says)]
    print(f"{mutation.name}: {len(its)} of {len(faults)} faults: {(its or ['none'])[0][:200]}")
    if not its:
        print(said)
    return bool(its)


def copy_code(folder: Path) -> None:
    """Copy the files that git knows, as they are in this folder."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def soak_output(folder: Path, seed: int) -> str:
    """What a short soak of the code in this folder printed."""
    given = {"SOAK_SECONDS": str(SECONDS), "SOAK_CALLERS": str(CALLERS), "SOAK_SEED": str(seed)}
    soak = subprocess.run(
        [sys.executable, "-m", "tests.crash.soak"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "SOAK_FORGET": "1", **given},
        capture_output=True,
        text=True,
        timeout=SECONDS + ENDS_WITHIN,
        check=False,
    )
    return soak.stdout + soak.stderr


if __name__ == "__main__":
    sys.exit(main())
