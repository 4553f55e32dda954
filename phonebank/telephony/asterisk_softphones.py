"""Makes and ends sign-ins. A sign-in is a name and a password with which a caller's browser reaches
Asterisk. Each sign-in is for one line. Asterisk keeps the sign-ins in memory, so they are lost when
Asterisk ends."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime, timedelta

from phonebank.telephony.asterisk_ari import Ari
from phonebank.telephony.asterisk_events import softphone_name
from phonebank.telephony.backend import BackendUnavailableError, SoftphoneToken

OPENS_WITHIN = timedelta(minutes=15)
_OBJECTS = "/asterisk/config/dynamic/res_pjsip"


def make_sign_in(ari: Ari, line_id: int, url: str) -> SoftphoneToken:
    """Make and return a sign-in with which a browser can open a line. The new sign-in replaces any
    earlier one for that line.

    The browser connects to `url` and calls the name `line`. The browser can call no other name.
    Raises BackendUnavailableError if Asterisk does not make the sign-in.
    """
    name, password = softphone_name(line_id), secrets.token_urlsafe(24)
    expires_at = datetime.now(UTC) + OPENS_WITHIN
    auth = {"auth_type": "userpass", "username": name, "password": password}
    endpoint = {
        "webrtc": "yes",
        "transport": "browsers",
        "context": "softphone",
        "disallow": "all",
        "allow": "alaw,ulaw",  # the codecs of telephones, so that no sound is converted
        "auth": name,
        "direct_media": "no",
        "send_connected_line": "no",  # the browser learns nobody's number
        "rtp_timeout": "20",  # seconds without sound after which the line ends
        "rtp_timeout_hold": "60",
        "accountcode": str(int(expires_at.timestamp())),
    }
    for kind, fields in (("auth", auth), ("endpoint", endpoint)):
        sent = [{"attribute": key, "value": value} for key, value in fields.items()]
        answer = ari.ask("PUT", f"{_OBJECTS}/{kind}/{name}", json={"fields": sent})
        if not answer.ok:
            raise BackendUnavailableError(f"Asterisk makes no sign-in: {answer.status_code}")
    settings = {"url": url, "name": name, "call": "line"}
    return SoftphoneToken("sip", password, expires_at, settings)


def end_sign_in(ari: Ari, line_id: int) -> None:
    """Delete a line's sign-in if there is one. Raises BackendUnavailableError for the same reasons
    as `Ari.ask`."""
    for kind in ("endpoint", "auth"):
        ari.ask("DELETE", f"{_OBJECTS}/{kind}/{softphone_name(line_id)}")


def lines_with_sign_ins(ari: Ari) -> set[int]:
    """Return the ids of the lines that have a sign-in, whether or not a browser has opened the line
    yet. Raises BackendUnavailableError for the same reasons as `Ari.ask`."""
    names = (str(endpoint["resource"]) for endpoint in ari.list_of("/endpoints/PJSIP"))
    return {int(name.partition("-")[2]) for name in names if name.startswith("softphone-")}


def end_old_sign_ins(ari: Ari) -> None:
    """Delete the sign-ins that have expired and are not in use. Raises BackendUnavailableError for
    the same reasons as `Ari.ask`."""
    for endpoint in ari.list_of("/endpoints/PJSIP"):
        name = str(endpoint["resource"])
        if not name.startswith("softphone-") or endpoint["channel_ids"]:
            continue
        answer = ari.ask("GET", f"{_OBJECTS}/endpoint/{name}")
        fields = {each["attribute"]: each["value"] for each in answer.json()} if answer.ok else {}
        if int(fields.get("accountcode") or 0) < time.time():
            end_sign_in(ari, int(name.partition("-")[2]))
