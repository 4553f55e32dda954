"""Tests that a bundle does what its modules do, without imports."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from phonebank.core import assets
from phonebank.core.bundles import UnsupportedModuleError, bundle

MODULES = {
    "page.js": 'import "./side.js";\n'
    'import { KEY, tell as say } from "./one.js";\nimport {\n  next,\n} from "./two.js";\n\n'
    "console.log(KEY, say(1), next());\n",
    "one.js": '/* A comment\n   of two lines. */\n\nimport { next } from "./two.js";\n'
    'export const KEY = "one";\nexport function tell(n) {\n  // A comment.\n'
    "  return `${n} ${next()}`;\n}\n",
    "two.js": 'const KEY = "two";\nlet called = 0;\nexport function next() {\n'
    "  return KEY + (called += 1);\n}\n",
    "side.js": 'console.log("side"); // at the end of a line\n',
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in MODULES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_bundle_runs_each_module_once_and_keeps_equal_names_apart(folder: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine (sudo apt-get install nodejs); Phonebank needs none")
    text = bundle(folder / "page.js")
    assert "A comment" not in text
    assert "end of a line" not in text
    run = subprocess.run(
        [node, "--input-type=module", "-e", text], capture_output=True, text=True, timeout=60
    )
    assert run.stdout.splitlines() == ["side", "one 1 two1 two2"], run.stderr


@pytest.mark.parametrize(
    "odd",
    [
        "export let count = 0;",
        "export default 1;",
        'export { tell } from "./one.js";',
        'import * as one from "./one.js";',
        'const one = await import("./one.js");',
        'import { page } from "./page.js";',
        "const words = `one\n  two`;",
    ],
)
def test_what_a_bundle_cannot_take_is_refused(folder: Path, odd: str) -> None:
    (folder / "side.js").write_text(odd + "\n")
    with pytest.raises(UnsupportedModuleError):
        bundle(folder / "page.js")


def test_browsers_keep_a_bundle_until_one_of_its_modules_changes(app) -> None:
    with app.test_request_context():
        address = assets.bundled("js/call_page.js")
    client = app.test_client()
    answer = client.get(address)
    assert answer.mimetype == "text/javascript"
    assert not re.search(r"^(import|export) ", answer.text, re.M)
    assert "class Outbox" in answer.text
    assert "immutable" in answer.headers["Cache-Control"]
    assert client.get(address, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    old = re.sub("v=.*", "v=0123456789ab", address)
    assert "immutable" not in client.get(old).headers["Cache-Control"]
    assert client.get("/static/phonebank.css?bundle").mimetype == "text/css"
    assert client.get("/static/js/none.js?bundle").status_code == 404
