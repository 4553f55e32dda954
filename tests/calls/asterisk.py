"""A real Asterisk with Phonebank's own configuration, and the people whom it calls."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from phonebank.telephony.asterisk_files import (
    AsteriskSettings,
    write_configuration,
    write_tone,
    write_waiting_sound,
)
from tests.processes import free_port, within

HERE = Path(__file__).parent
PASSWORD = "a-password-that-guards-nothing"
STARTS_WITHIN = 30.0  # seconds, on a machine with much else to do
HOW_TO_INSTALL = "sudo tools/install_asterisk.sh"


def installed() -> Path:
    """The folder in which tools/install_asterisk.sh puts Asterisk."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("PHONEBANK_ASTERISK") or Path(cache) / "phonebank/asterisk")


def why_not() -> str:
    """The reason for which no real call can be placed on this machine, or nothing."""
    if not (installed() / ".ready").exists():
        return f"no Asterisk on this machine: {HOW_TO_INSTALL}"
    if os.getuid() != 0:
        return "no real calls: Asterisk runs in a folder of its own, which needs root"
    return ""


@dataclass
class Asterisk:
    """One Asterisk and one sipp, each with its own ports, in a folder of this run."""

    root: Path = field(default_factory=installed)
    http_port: int = field(default_factory=free_port)
    sip_port: int = field(default_factory=free_port)
    people_port: int = field(default_factory=free_port)
    address: str = "127.0.0.1"
    process: subprocess.Popen[bytes] | None = None
    people: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        runs = self.root / "runs"
        runs.mkdir(exist_ok=True)
        runs.chmod(0o755)
        self.folder = Path(tempfile.mkdtemp(dir=runs))
        self.folder.chmod(0o755)
        self.inside = f"/runs/{self.folder.name}"
        self.settings = AsteriskSettings(
            password=PASSWORD,
            trunk=f"127.0.0.1:{self.people_port}",
            http_address=self.address,
            http_port=self.http_port,
            sip_address=f"127.0.0.1:{self.sip_port}",
            rtp_from=20000,
            rtp_to=28000,
            etc=f"{self.inside}/etc",
            var=f"{self.inside}/var",
            spool=f"{self.inside}/spool",
            run=f"{self.inside}/run",
            log=f"{self.inside}/log",
            sounds=f"{self.inside}/sounds",
        )
        for name in ("etc", "var", "spool", "spool/recording", "run", "log", "sounds", "people"):
            (self.folder / name).mkdir()
        write_configuration(self.settings, self.folder / "etc")
        write_waiting_sound(self.folder / "sounds")
        # A message that can be told from all other sounds.
        message = self.folder / "sounds/information-message.wav"
        write_tone(message, [(700.0, 2.0, 0.5)])
        shutil.copy(HERE / "people/people.xml", self.folder / "people/people.xml")
        # Asterisk looks up this machine's name, and waits long where nobody answers.
        (self.root / "etc/hosts").write_text(f"127.0.0.1 localhost {socket.gethostname()}\n")
        self._chroot("chown", "-R", "asterisk:asterisk", self.inside)

    @property
    def url(self) -> str:
        """ARI's address."""
        return f"http://{self.address}:{self.http_port}"

    @property
    def recordings(self) -> Path:
        return self.folder / "spool/recording"

    def start(self) -> None:
        """Start Asterisk and wait until it answers."""
        with (self.folder / "printed").open("ab") as printed:
            self.process = subprocess.Popen(
                [
                    *("chroot", str(self.root), "/usr/sbin/asterisk", "-U", "asterisk", "-f"),
                    *("-C", f"{self.inside}/etc/asterisk.conf"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
            )
        within(STARTS_WITHIN, self._answers, "Asterisk answers")

    def start_people(self) -> None:
        """Start the people who are called. They answer as people/people.xml says."""
        self.people = subprocess.Popen(
            [
                *("chroot", str(self.root), "sipp", "-sf", f"{self.inside}/people/people.xml"),
                *("-i", "127.0.0.1", "-p", str(self.people_port), "-mp", "30000"),
                *("-rtp_echo", "-nostdin", "-trace_logs", "-log_file"),
                *(f"{self.inside}/people/called.log", "-trace_err", "-error_file"),
                *(f"{self.inside}/people/errors.log", "-trace_msg", "-message_file"),
                *(f"{self.inside}/people/messages.log", f"127.0.0.1:{self.sip_port}"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "TERM": "dumb"},
        )

    def called(self) -> list[str]:
        """The numbers that were called, as often as they were."""
        log = self.folder / "people/called.log"
        text = log.read_text(errors="replace") if log.exists() else ""
        return re.findall(r"called sip:(\S+)@", text)

    def shown(self) -> set[str]:
        """The caller IDs that people saw."""
        log = self.folder / "people/called.log"
        text = log.read_text(errors="replace") if log.exists() else ""
        return set(re.findall(r"shown [^\n]*?sip:([^@]+)@", text))

    def conversations(self) -> list[str]:
        """Everything that was sent to and from each telephone that was called, with all headers: a
        text for each call."""
        log = self.folder / "people/messages.log"
        if not log.exists():
            return []
        texts: dict[str, list[str]] = {}
        for message in re.split(r"\n-{40,}", log.read_text(errors="replace")):
            if call := re.search(r"^Call-ID: *(\S+)", message, re.MULTILINE):
                texts.setdefault(call[1], []).append(message)
        return ["\n".join(messages) for messages in texts.values()]

    def kill(self) -> None:
        """Kill Asterisk as a power cut would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """End both, and remove this run's folder."""
        for process in (self.people, self.process):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
        if not os.environ.get("KEEP_ASTERISK"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "printed").read_text()[-2000:]
        asked = f"{self.url}/ari/asterisk/ping?api_key=phonebank:{PASSWORD}"
        try:
            urllib.request.urlopen(asked, timeout=2).close()
        except OSError:  # it does not listen yet, or says that it is not ready
            return False
        return True

    def _chroot(self, *command: str) -> None:
        subprocess.run(["chroot", str(self.root), *command], check=True)
