"""Writes Asterisk's configuration files for one machine. Their templates are in
`asterisk_config/`."""

from __future__ import annotations

import math
import re
import struct
import wave
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

TEMPLATES = Path(__file__).with_name("asterisk_config")
APPLICATION = "phonebank"  # our name in Asterisk's dialplan
CALLS = "calls"  # the dialplan's context for telephones that Phonebank called
CALLER, PERSON = "caller", "person"  # the extensions of that context: whose telephone it is
TRUNK = "PJSIP/trunk"  # the endpoint through which Phonebank dials
INFORMATION_MESSAGE = "information-message"  # the recording's name, without `.wav`
# The place in the extension PERSON where the dialplan plays the message (see `asterisk_message`).
MESSAGE_LABEL = "message"
# What the dialplan leaves of a message: a global variable with this name, followed by the channel's
# id, and an event at the message's end.
MESSAGE_VARIABLE = "PHONEBANK_MESSAGE_"
PLAYED_EVENT = "PhonebankPlayed"
SAMPLES_A_SECOND = 8000  # what telephones carry
# No line end and no semicolon, because these would begin another setting or a comment.
PLAIN = re.compile(r"[^\s;@{}]+")


class _Blanks(Template):
    # Our blanks are written @{…}, because Asterisk writes its own names ${…}.
    delimiter = "@"
    idpattern = "(?!)"
    braceidpattern = "[a-z_]+"


@dataclass(frozen=True)
class AsteriskSettings:
    """The values that are filled into Asterisk's configuration files. `trunk`, `stun_server` and
    `sip_address` have the form `host` or `host:port`. The other addresses are hosts without a
    port."""

    password: str = field(repr=False)
    trunk: str
    user: str = "phonebank"
    app: str = APPLICATION
    trunk_user: str = ""
    trunk_password: str = field(default="", repr=False)
    # The address at which the trunk reaches this machine, if a router stands between them.
    public_address: str = ""
    stun_server: str = ""
    http_address: str = "127.0.0.1"
    http_port: int = 8088
    sip_address: str = "0.0.0.0:5060"
    rtp_from: int = 10000
    rtp_to: int = 20000
    # How many browsers may be connected at once. Phonebank's own connections are not counted.
    softphones: int = 2000
    # The paths of folders, as Asterisk sees them.
    etc: str = "/etc/asterisk"
    var: str = "/var/lib/asterisk"
    spool: str = "/var/spool/asterisk"
    run: str = "/run/asterisk"
    log: str = "/var/log/asterisk"
    sounds: str = "/var/lib/asterisk/phonebank"

    def check(self) -> None:
        """Raise ValueError if a configuration file cannot contain a setting's value. The error
        names the setting."""
        for name, value in vars(self).items():
            if isinstance(value, str) and value and not PLAIN.fullmatch(value):
                raise ValueError(f"{name} has a space, a semicolon or a bracket in it.")


def write_configuration(settings: AsteriskSettings, folder: Path) -> list[Path]:
    """Write every configuration file into `folder`, and return the paths of the files.

    A new file can be read only by its owner and its group. A file that already exists gets the new
    content, and keeps its permissions. Raises ValueError for a value that a configuration file
    cannot contain.
    """
    settings.check()
    values = {**vars(settings), **_sections(settings)}
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for template in sorted(TEMPLATES.glob("*.conf")):
        path = folder / template.name
        path.touch(mode=0o640)
        path.write_text(_Blanks(template.read_text()).substitute(values))
        written.append(path)
    return written


def _sections(settings: AsteriskSettings) -> dict[str, str]:
    """The templates also contain values that are not settings. Return these values: some are names
    that Phonebank uses, and others are computed from the settings, such as text that only some
    machines need. The keys are the names of the values in the templates."""
    address = settings.public_address
    nat = f"external_signaling_address = {address}\nexternal_media_address = {address}"
    sign_in = (
        "outbound_auth = trunk\n\n[trunk]\ntype = auth\nauth_type = userpass\n"
        f"username = {settings.trunk_user}\npassword = {settings.trunk_password}"
    )
    return {
        "label": MESSAGE_LABEL,
        "variable": MESSAGE_VARIABLE,
        "played": PLAYED_EVENT,
        "message": INFORMATION_MESSAGE,
        "behind_nat": nat if address else "",
        "trunk_sign_in": sign_in if settings.trunk_user else "",
        "trunk_host": settings.trunk.partition(":")[0],
        "stun": f"stunaddr = {settings.stun_server}" if settings.stun_server else "",
    }


def write_waiting_sound(sounds: Path) -> Path:
    """Write the sound that callers hear while they wait: a soft tone every four seconds, so that
    they know that the line works. The file is `waiting/waiting.wav` in the folder `sounds`. Return
    the path of the file."""
    folder = sounds / "waiting"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "waiting.wav"
    write_tone(path, [(440.0, 0.3, 0.05), (0.0, 3.7, 0.0)])
    return path


def write_tone(path: Path, parts: list[tuple[float, float, float]]) -> None:
    """Write a WAV file of tones. Each of the `parts` is a frequency in hertz, a length in seconds
    and a loudness from 0 to 1."""
    samples = bytearray()
    for frequency, seconds, loudness in parts:
        count = int(seconds * SAMPLES_A_SECOND)
        for number in range(count):
            # The tone swells and fades, because a tone that starts suddenly clicks.
            swell = math.sin(math.pi * number / count)
            turn = 2 * math.pi * frequency * number / SAMPLES_A_SECOND
            samples += struct.pack("<h", int(32767 * loudness * swell * math.sin(turn)))
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(SAMPLES_A_SECOND)
        sound.writeframes(bytes(samples))
