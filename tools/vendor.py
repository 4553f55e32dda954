"""Copy the libraries for browsers from npm into the repository, so that Phonebank can serve them.

    python tools/vendor.py            install the locked versions, copy the files, write checksums
    python tools/vendor.py --check    do so in a scratch folder; fail if the repository differs

The copies are committed. So a fresh clone runs without Node, and no page asks another host for
code. Only this program, `tools/places.py`, the checks of our JavaScript and `make soak` need Node.
To take a new version, change package.json, run `npm install --package-lock-only` and then this
program, and read the diff.
"""

from __future__ import annotations

import argparse
import base64
import filecmp
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
VENDOR_FOLDER = Path("phonebank/static/vendor")
QUIET = "--loglevel=error"
NOTICES_FILE = Path("THIRD_PARTY_NOTICES.md")
PLACES = Path("phonebank/places/data/sources.json")


@dataclass(frozen=True)
class Library:
    """A package, with its licences and the files that pages load. `files` maps the name that
    templates use for a file to the file's path in the package.

    `bundled` names the packages that are compiled into those files. The licences of these packages
    are copied too. If the package has no file for browsers, its module is compiled. `compiled` is
    then the name of the global variable that holds what the module exports; otherwise it is "".
    """

    package: str
    folder: str
    files: dict[str, str]
    licence_name: str
    licence_file: str = "LICENSE"
    bundled: tuple[str, ...] = ()
    compiled: str = ""


LIBRARIES = (
    Library(
        "@picocss/pico", "pico", {"pico": "css/pico.min.css"}, "MIT", licence_file="LICENSE.md"
    ),
    Library("htmx.org", "htmx", {"htmx": "dist/htmx.min.js"}, "0BSD"),
    Library(
        "socket.io-client",
        "socket.io-client",
        {"socket.io": "dist/socket.io.min.js"},
        "MIT",
        bundled=(
            "@socket.io/component-emitter",
            "engine.io-client",
            "engine.io-parser",
            "socket.io-parser",
        ),
    ),
    Library(
        "uplot",
        "uplot",
        {"uplot": "dist/uPlot.iife.min.js", "uplot-style": "dist/uPlot.min.css"},
        "MIT",
    ),
    Library(
        "@twilio/voice-sdk",
        "twilio-voice",
        {"twilio-voice": "dist/twilio.min.js"},
        "Apache-2.0",
        licence_file="LICENSE.md",
        bundled=("events", "loglevel", "tslib"),
    ),
    Library(
        "jssip",
        "jssip",
        {"jssip": "lib/JsSIP.js"},
        "MIT",
        licence_file="LICENSE.md",
        bundled=("debug", "events", "ms", "sdp-transform"),
        compiled="JsSIP",
    ),
)
LICENCE_NAMES = ("license", "license-mit")
# Packages with these licences only refer to the licence's text, but a copy of the package must have
# the text.
WHOLE_LICENCES = {"Apache-2.0": REPOSITORY / "tools/licences/Apache-2.0.txt"}
# The JavaScript that the oldest supported browsers know.
TARGET = "es2020"


def install_locked_packages(scratch: Path) -> Path:
    """Install exactly the locked packages, without running their install scripts. Return the folder
    with the packages."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(REPOSITORY / name, scratch / name)
    subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", QUIET],
        cwd=scratch,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return scratch / "node_modules"


def copy_libraries(modules: Path, target: Path) -> dict[str, dict[str, str]]:
    """Copy the files in `files` of each library, or compile them, and copy the library's licences.
    Return the manifest, which is also written to the folder `target`.

    The manifest has an entry for each file, by the name that templates use for the file. The entry
    has the file's path below `target`, and the library's package, version and licence. It also has
    the file's checksum, in the form of the `integrity` attribute (W3C Subresource Integrity).
    """
    manifest = {}
    for library in LIBRARIES:
        package = modules / library.package
        version = json.loads((package / "package.json").read_text())["version"]
        folder = target / f"{library.folder}-{version}"
        folder.mkdir(parents=True)
        (folder / "LICENSE").write_text(licences_of(library, modules))
        for name, source in library.files.items():
            if library.compiled:
                copied = folder / f"{name}.min.js"
                compile_for_browsers(modules, package / source, copied, library.compiled)
            else:
                copied = Path(shutil.copy(package / source, folder))
            manifest[name] = {
                "path": copied.relative_to(target).as_posix(),
                "package": library.package,
                "version": version,
                "licence": library.licence_name,
                "integrity": integrity_of(copied.read_bytes()),
            }
    (target / "manifest.json").write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n")
    return manifest


def compile_for_browsers(modules: Path, source: Path, target: Path, exports: str) -> None:
    """Write a module, with everything that the module imports, into one file. The file stores what
    the module exports in a global variable. `exports` is the name of this variable."""
    subprocess.run(
        [
            *(modules / ".bin/esbuild", source, "--bundle", "--minify", "--format=iife"),
            *(f"--global-name={exports}", f"--target={TARGET}", f"--outfile={target}"),
            *("--legal-comments=none", "--log-level=warning"),
        ],
        check=True,
    )


def licences_of(library: Library, modules: Path) -> str:
    """Return the licence of a library, followed by the licences of the packages that are compiled
    into its files. If the library's package only refers to the text of its licence, this text
    follows as well."""
    texts = [(modules / library.package / library.licence_file).read_text().strip()]
    for package in library.bundled:
        [licence] = (p for p in (modules / package).iterdir() if p.stem.lower() in LICENCE_NAMES)
        texts.append(f"{package}:\n\n{licence.read_text().strip()}")
    if library.licence_name in WHOLE_LICENCES:
        texts.append(WHOLE_LICENCES[library.licence_name].read_text().strip())
    rule = "\n\n" + "-" * 72 + "\n\n"
    return rule.join(texts).replace("\r\n", "\n") + "\n"


def integrity_of(content: bytes) -> str:
    """Return the SHA-256 checksum of these bytes as an `integrity` attribute has it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content).digest()).decode()


def write_notices(manifest: dict[str, dict[str, str]], vendor: Path, notices: Path) -> None:
    """Write the notices that licences require. There is a section for each library, with the
    library's licences. There is also a section for each source of data about places, with the
    source's own notice and a link to its terms."""
    lines = [
        "# Third-party notices",
        "",
        "Phonebank serves copies of these libraries to browsers. Other people wrote them, under",
        "the licences below. `tools/vendor.py` writes this file: change the script, not the file.",
        "",
    ]
    folders = {Path(entry["path"]).parent.as_posix(): entry for entry in manifest.values()}
    for folder, entry in sorted(folders.items()):
        lines += [
            f"## {entry['package']} {entry['version']} ({entry['licence']})",
            "",
            "```text",
            (vendor / folder / "LICENSE").read_text().strip(),
            "```",
            "",
        ]
    lines += places_notices()
    notices.write_text("\n".join(lines))


def places_notices() -> list[str]:
    """Return the lines of the notices about the data that `tools/places.py` took from other people.
    There is a section for each source of the data."""
    sources = json.loads((REPOSITORY / PLACES).read_text())["sources"]
    lines = [
        "# Places",
        "",
        "`tools/places.py` makes the tables in `phonebank/places/data/` and the outlines in",
        "`phonebank/static/maps/` from the data of these sources. Each file keeps the terms of its",
        "source.",
        "",
    ]
    for source in sources:
        lines += [
            f"## {source['what']} ({source['licence']})",
            "",
            f"{source['attribution']}",
            "",
            f"From `{source['file']}`. Terms: <{source['licence_text']}>",
            "",
        ]
    return lines


def differences(ours: Path, theirs: Path) -> list[str]:
    """Compare two folders byte for byte. Return the paths that are missing, extra or different."""
    here, there = (
        {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
        for root in (ours, theirs)
    )
    changed = {
        path for path in here & there if not filecmp.cmp(ours / path, theirs / path, shallow=False)
    }
    return sorted(changed | (here ^ there))


def main() -> int:
    """Copy the files into the repository. With --check, only compare the files with the
    repository's. Return the exit status: 1 if npm is missing or if --check finds a difference,
    otherwise 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing, report differences")
    check = parser.parse_args().check
    if shutil.which("npm") is None:
        print("npm is needed to vendor browser libraries: install Node.js 20 or later.")
        return 1
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        fresh = scratch / VENDOR_FOLDER
        fresh.mkdir(parents=True)
        manifest = copy_libraries(install_locked_packages(scratch), fresh)
        write_notices(manifest, fresh, scratch / NOTICES_FILE)
        if check:
            found = differences(REPOSITORY / VENDOR_FOLDER, fresh)
            if (REPOSITORY / NOTICES_FILE).read_text() != (scratch / NOTICES_FILE).read_text():
                found.append(NOTICES_FILE.as_posix())
            for path in found:
                print(f"differs from npm: {path}")
            return 1 if found else 0
        shutil.rmtree(REPOSITORY / VENDOR_FOLDER, ignore_errors=True)
        shutil.copytree(fresh, REPOSITORY / VENDOR_FOLDER)
        shutil.copy(scratch / NOTICES_FILE, REPOSITORY / NOTICES_FILE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
