"""What a person's open line needs now: to be joined, to hear the information message, to end."""

from datetime import datetime, timedelta

from sqlalchemy import text

from phonebank.core.db import db
from phonebank.dialler.dial import RINGS_AT_LEAST
from phonebank.dialler.rows import LineRow
from phonebank.dialler.switchboard import Switchboard
from phonebank.models import LineState
from phonebank.telephony.backend import Sound

_MESSAGE = text("UPDATE line SET message_at = coalesce(message_at, :at) WHERE id = :line_id")

# A person who has heard nobody for this long hears the information message: `rules/*.yaml`,
# `seconds_to_message`.
NOBODY_AFTER = timedelta(seconds=2)
# The message is asked for so much sooner, because asking takes time.
HEADROOM = timedelta(seconds=0.4)
# Usually a provider has told of a join by then.
TOLD_AFTER = timedelta(seconds=0.5)
# A person who moves to the caller's other telephone is with nobody for less than this.
MOVES_WITHIN = timedelta(seconds=1)
# A message whose end was never told has ended by now.
MESSAGE_AT_MOST = timedelta(seconds=30)


class PersonLines:
    """The open lines to people. It remembers on which lines the message has begun, so that nobody
    is put through in the middle of it. Commits when one begins."""

    def __init__(self, switchboard: Switchboard) -> None:
        self._switchboard = switchboard
        # Whether anybody is there who could take a call that is nobody's yet.
        self.has_callers = True
        self._messages: dict[int, datetime] = {}
        # When it was first tried to put a person through.
        self._tried: dict[int, datetime] = {}
        # Since when a person who was joined is with nobody.
        self._apart: dict[int, datetime] = {}

    def forget_ended(self, open_ids: set[int]) -> None:
        """Forget the lines that are not open any more."""
        self._messages = {k: at for k, at in self._messages.items() if k in open_ids}
        self._tried = {k: at for k, at in self._tried.items() if k in open_ids}
        self._apart = {k: at for k, at in self._apart.items() if k in open_ids}

    def is_waiting(self, at: datetime) -> bool:
        """Whether somebody is being put through, and the provider has not told that it worked."""
        return any(at - tried_at > TOLD_AFTER for tried_at in self._tried.values())

    def follow(self, line: LineRow, at: datetime) -> None:
        """Do what the line needs at `at`."""
        if line.id in self._messages:
            if line.played_at or at - self._messages[line.id] > MESSAGE_AT_MOST:
                self._switchboard.hang_up(line.ref)
        elif not line.is_live:
            if self._is_unwanted(line) and _has_rung_enough(line, at):
                self._switchboard.hang_up(line.ref)
        elif line.joined_at is not None:
            self._tried.pop(line.id, None)
            # The caller is gone, or has recorded how the call ended: never leave a silent line.
            if self._is_unwanted(line) or self._is_left_alone(line, at):
                self._switchboard.hang_up(line.ref)
        else:
            self._put_through(line, at)

    def _is_left_alone(self, line: LineRow, at: datetime) -> bool:
        if line.state == LineState.JOINED:
            self._apart.pop(line.id, None)
            return False
        return at - self._apart.setdefault(line.id, at) > MOVES_WITHIN

    def _put_through(self, line: LineRow, at: datetime) -> None:
        """Put a person who has answered through to their caller, or tell them that nobody is
        free."""
        if line.caller_id is None and line.call_is_open:
            # Somebody may become free in time. The message begins before the time is over.
            if at - (line.answered_at or at) > NOBODY_AFTER - HEADROOM:
                self._say_nobody_is_free(line, at)
        elif not self._is_unwanted(line) and line.own_ref is not None:
            # An answer that was told late is put through all the same, as long as that works.
            tried_at = self._tried.setdefault(line.id, at)
            self._switchboard.join(line.ref, line.own_ref)
            if at - tried_at > NOBODY_AFTER:
                self._say_nobody_is_free(line, at)
        else:
            self._say_nobody_is_free(line, at)

    def _say_nobody_is_free(self, line: LineRow, at: datetime) -> None:
        self._messages[line.id] = at
        db.session.execute(_MESSAGE, {"line_id": line.id, "at": at})
        db.session.commit()
        self._switchboard.play(line.ref, Sound.INFORMATION_MESSAGE)

    def has_message(self, line: LineRow) -> bool:
        """Whether the information message has begun on the line."""
        return line.id in self._messages

    def _is_unwanted(self, line: LineRow) -> bool:
        is_over = not line.call_is_open or line.end_wanted_at is not None
        if line.caller_id is None:
            return is_over or not self.has_callers
        return is_over or line.own_ref is None


def _has_rung_enough(line: LineRow, at: datetime) -> bool:
    rings_since = line.dialled_at or at
    return at - rings_since >= timedelta(seconds=RINGS_AT_LEAST)
