"""The interface to a provider of telephone lines. A line is one telephone connection, to a caller
or to a person who is called. Code that uses the interface need not know which provider is used."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from phonebank.core.errors import NotFoundError
from phonebank.telephony.events import LineEvent


class BackendUnavailableError(Exception):
    """The error that is raised if the provider does not answer or has no free capacity at the
    moment. Trying again may help."""


class NumberRefusedError(Exception):
    """The error that is raised if the provider permanently refuses a number. The line for that
    number then ends."""


class NoSoftphoneError(NotFoundError):
    """The error that is raised if callers cannot talk through the browser with this provider."""

    def __init__(self) -> None:
        super().__init__("You can't call from the browser here.", "Use your own phone.")


class Sound(StrEnum):
    """The sounds that can be played on a line."""

    WAITING = "waiting"  # until a hang-up or a join
    INFORMATION_MESSAGE = "information_message"  # once, to a person for whom no caller was free


@dataclass(frozen=True)
class LineRef:
    """A reference to a line, for the provider. `provider_id` is the provider's id of the line, or
    None if that id is not known. For example, a process may have died while it was dialling the
    line, or a browser may not have opened the line yet."""

    line_id: int
    provider_id: str | None


@dataclass(frozen=True)
class SoftphoneToken:
    """What a caller's browser needs to open the caller's line. `secret` works until `expires_at`
    (aware). `driver` names the JavaScript that opens the line, and `settings` are its settings,
    such as the address to connect to. The token does not contain the number of any person who is
    called."""

    driver: str  # the JavaScript driver: twilio, sip
    secret: str = field(repr=False)
    expires_at: datetime
    settings: dict[str, str] = field(default_factory=dict)


class Backend(Protocol):
    """A provider. Its methods may be called from several threads.

    `number` and `show` are in E.164 format. `show` is the number that the called telephone
    displays. All methods except `listen` and `close` may raise BackendUnavailableError. If a line
    has ended, `join`, `play` and `hang_up` change nothing and raise no error.
    """

    name: str
    # Whether the provider reports events by webhooks. Otherwise, `listen` reports them.
    sends_webhooks: bool

    def call_caller(self, line_id: int, number: str, show: str) -> str:
        """Call a caller's own telephone, and return the provider's id of the line. The line stays
        open while the caller talks with one person after another. Raises NumberRefusedError if the
        provider refuses the number."""

    def call_person(self, line_id: int, number: str, show: str, ring_seconds: int) -> str:
        """Call a person, let the telephone ring for at most `ring_seconds`, and return the
        provider's id of the line. Raises NumberRefusedError if the provider refuses the number."""

    def join(self, person: LineRef, caller: LineRef) -> None:
        """Let the person and the caller hear each other, and stop any sound that is playing on
        their lines."""

    def play(self, line: LineRef, sound: Sound) -> None:
        """Play a sound on a line that was answered. If the person hears the whole
        INFORMATION_MESSAGE, the provider reports PLAYED."""

    def hang_up(self, line: LineRef) -> None:
        """End the line. If INFORMATION_MESSAGE is playing, the provider may end the line only after
        the message."""

    def softphone_token(self, caller_id: int, line_id: int) -> SoftphoneToken:
        """Return what the caller's browser needs to open this line itself. Raises NoSoftphoneError
        if callers cannot talk through the browser with this provider."""

    def fetch(self, lines: Sequence[LineRef]) -> list[LineEvent]:
        """Ask the provider which state each of these lines is in. Return the states as events, like
        the events that the provider reports by itself. For a line that the provider does not know,
        return ENDED, usually with the cause LOST. If the line is so new that the provider may not
        list it yet, return nothing for it."""

    def listen(self, tell: Callable[[LineEvent], None]) -> None:
        """Start passing the provider's events to `tell`, from a thread or greenlet that runs until
        `close` is called. If the provider sends webhooks instead, do nothing."""

    def close(self) -> None:
        """Stop what `listen` started."""
