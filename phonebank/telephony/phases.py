"""Works out which phase a caller on the telephone is in, such as waiting or talking, from what the
database says."""

from dataclasses import dataclass
from enum import StrEnum

from phonebank.models import EndCause, LineState


class Phase(StrEnum):
    """The phases of a caller's telephone connection. The caller's page shows the present phase."""

    OFF = "off"  # not on the telephone
    CONNECTING = "connecting"
    RESTING = "resting"  # connected, and wants nobody now
    WAITING = "waiting"  # wants the next person
    CALLING = "calling"  # a person is being called for them
    TALKING = "talking"
    WRAPPING_UP = "wrapping_up"  # the person is gone; how the call ended is not recorded yet


@dataclass(frozen=True)
class Situation:
    """The facts from the database that determine a caller's phase, such as waiting or talking.

    `is_on` says whether the caller wants to be on the telephone, and `is_ready` says whether the
    caller is ready for the next person. `caller_line` is the state of the caller's line.
    `person_line` is the state of the newest line to the person in the caller's open call. Each is
    None if there is no such line. `was_joined` says whether the person's line was ever joined to
    the caller's line, and `cause` says why the person's line ended, or is None. `has_call` says
    whether the caller has an open call.
    """

    is_on: bool
    is_ready: bool
    caller_line: LineState | None
    has_call: bool = False
    person_line: LineState | None = None
    was_joined: bool = False
    cause: EndCause | None = None

    @property
    def is_connected(self) -> bool:
        """Whether the caller's line has been answered and has not ended."""
        return self.caller_line in (LineState.ANSWERED, LineState.JOINED)

    @property
    def phase(self) -> Phase:
        """The phase that the caller's page shows."""
        has_ended = self.person_line == LineState.ENDED
        if self.has_call and self.was_joined:
            return Phase.WRAPPING_UP if has_ended else Phase.TALKING
        if self.has_call and self.person_line is not None and not has_ended:
            return Phase.CALLING
        if not self.is_on or self.caller_line == LineState.ENDED:
            return Phase.OFF
        if not self.is_connected:
            return Phase.CONNECTING
        return Phase.WAITING if self.is_ready else Phase.RESTING
