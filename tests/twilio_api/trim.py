"""Keeps the part of Twilio's published description that the tests need.

    .venv/bin/python tests/twilio_api/trim.py DESCRIPTION

DESCRIPTION is `spec/json/twilio_api_v2010.json` of the public repository twilio/twilio-oai. The
result is written beside this file. Paths, parameters and schemas stay word for word; examples and
descriptions of fields are left out.
"""

import json
import sys
from pathlib import Path
from typing import Any

ACCOUNT = "/2010-04-01/Accounts/{AccountSid}"
# The methods of each path that Phonebank uses.
PATHS = {
    f"{ACCOUNT}/Calls.json": ("get", "post"),
    f"{ACCOUNT}/Calls/{{Sid}}.json": ("get", "post"),
    f"{ACCOUNT}/Conferences.json": ("get",),
    f"{ACCOUNT}/Conferences/{{ConferenceSid}}/Participants.json": ("get",),
}
HERE = Path(__file__).parent
SCHEMAS = "#/components/schemas/"


def trim(whole: dict[str, Any]) -> dict[str, Any]:
    """Return the description of PATHS alone, with the schemas that they use."""
    paths = {}
    for path, methods in PATHS.items():
        found = whole["paths"][path]
        kept = {name: found[name] for name in ("servers", *methods) if name in found}
        paths[path] = _without_prose(kept)
    schemas: dict[str, Any] = {}
    waiting = _references(paths)
    while waiting:
        name = waiting.pop()
        if name not in schemas:
            schemas[name] = _without_prose(whole["components"]["schemas"][name])
            waiting |= _references(schemas[name])
    return {
        "openapi": whole["openapi"],
        "info": whole["info"],
        "servers": whole["servers"],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": whole["components"]["securitySchemes"],
        },
    }


def _without_prose(part: Any) -> Any:
    if isinstance(part, list):
        return [_without_prose(one) for one in part]
    if not isinstance(part, dict):
        return part
    kept = {}
    for key, value in part.items():
        is_prose = (key == "description" and isinstance(value, str)) or key in (
            "example",
            "examples",
            "headers",
        )
        if not is_prose:
            kept[key] = _without_prose(value)
    # A response must have a description.
    if "content" in kept and "schema" not in kept and "description" in part:
        kept["description"] = part["description"]
    return kept


def _references(part: Any) -> set[str]:
    text = json.dumps(part)
    return {piece.split('"')[0] for piece in text.split(SCHEMAS)[1:]}


if __name__ == "__main__":
    description = trim(json.loads(Path(sys.argv[1]).read_text("utf-8")))
    text = json.dumps(description, indent=1) + "\n"
    (HERE / "twilio_api_v2010.json").write_text(text, "utf-8")
