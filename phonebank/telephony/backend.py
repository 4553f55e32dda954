"""The interface to a provider of telephone lines. Nothing above it knows which provider runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from phonebank.core.errors import NotFoundError
from phonebank.telephony.events import LineEvent


class BackendUnavailableError(Exception):
    """The error if the provider does not answer or has no room now. Trying again may help."""


class NumberRefusedError(Exception):
    """The error if the provider refuses this number for good. The line ends."""


class NoSoftphoneError(NotFoundError):
    """The error if callers can't speak through the browser with this provider."""

    def __init__(self) -> None:
        super().__init__("You can't call from the browser here.", "Use your own phone.")


class Sound(StrEnum):
    """The sounds that a line can play."""

    WAITING = "waiting"  # until a hang-up or a join
    INFORMATION_MESSAGE = "information_message"  # once, to a person for whom no caller was free


@dataclass(frozen=True)
class LineRef:
    """A line as the provider knows it. `provider_id` is None if it was never told, because a
    process died while it dialled."""

    line_id: int
    provider_id: str | None


@dataclass(frozen=True)
class SoftphoneToken:
    """What a caller's browser needs to open its line: a secret, until when it works (aware), and
    the driver's settings, such as the address to connect to. It has no person's number."""

    driver: str  # the JavaScript driver: twilio, sip
    secret: str = field(repr=False)
    expires_at: datetime
    settings: dict[str, str] = field(default_factory=dict)


class Backend(Protocol):
    """A provider. Its methods may be called from several threads.

    `number` and `show` are E.164; `show` is the number that the called telephone displays. All
    methods except `softphone_token` raise BackendUnavailableError. Joining, playing to or hanging
    up a line that has ended changes nothing and raises nothing.
    """

    name: str

    def call_caller(self, line_id: int, number: str, show: str) -> str:
        """Call a caller's own telephone, and return the provider's id of the line. The line stays
        up after each person. Raises NumberRefusedError."""

    def call_person(self, line_id: int, number: str, show: str, ring_seconds: int) -> str:
        """Call a person for at most `ring_seconds`, and return the provider's id of the line.
        Raises NumberRefusedError."""

    def join(self, person: LineRef, caller: LineRef) -> None:
        """Let the two hear each other, and end any sound on their lines."""

    def play(self, line: LineRef, sound: Sound) -> None:
        """Play a sound on a line that was answered. INFORMATION_MESSAGE ends with PLAYED."""

    def hang_up(self, line: LineRef) -> None:
        """End the line."""

    def softphone_token(self, caller_id: int, line_id: int) -> SoftphoneToken:
        """Return what the caller's browser needs to open this line itself. Raises
        NoSoftphoneError."""

    def fetch(self, lines: Sequence[LineRef]) -> list[LineEvent]:
        """Ask the provider where these lines are, and return that as events, as if they had just
        arrived. A line that the provider does not know has ENDED with the cause LOST."""

    def listen(self, tell: Callable[[LineEvent], None]) -> None:
        """Begin to pass on the events that come to this process by a connection of its own, from a
        thread or greenlet that runs until `close`. A provider that sends webhooks does nothing."""

    def close(self) -> None:
        """End what `listen` began."""
