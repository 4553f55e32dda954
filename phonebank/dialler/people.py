"""Handles each open line to a person: joins the line to a caller, plays the information message for
people who find no caller free, or ends the line."""

from datetime import datetime, timedelta

from sqlalchemy import text

from phonebank.core.db import db
from phonebank.dialler.dial import RINGS_AT_LEAST
from phonebank.dialler.rows import LineRow
from phonebank.dialler.switchboard import Switchboard
from phonebank.models import LineState, now
from phonebank.models.state_column import state_text
from phonebank.telephony.backend import Sound
from phonebank.telephony.events import EventKind

_MESSAGE = text("UPDATE line SET message_at = coalesce(message_at, :at) WHERE id = :line_id")
_IS_REPORTED = state_text(
    "SELECT EXISTS (SELECT FROM line_event WHERE line_id = :line_id AND kind = :playing)",
    playing=EventKind.PLAYING,
)
_NO_MESSAGE = state_text(
    """
UPDATE line SET message_at = NULL
WHERE id = :line_id
  AND NOT EXISTS (SELECT FROM line_event WHERE line_id = line.id AND kind = :playing)
""",
    playing=EventKind.PLAYING,
)

# A person who has heard nobody for this long hears the information message: `rules/*.yaml`,
# `seconds_to_message`.
NOBODY_AFTER = timedelta(seconds=2)
# The provider is asked for the message this much earlier, because the request takes time.
HEADROOM = timedelta(seconds=0.4)
# A provider usually reports a join within this time.
TOLD_AFTER = timedelta(seconds=0.5)
# While a person is moved to the caller's other telephone, they are joined to nobody for less than
# this.
MOVES_WITHIN = timedelta(seconds=1)
# After this time, a message counts as ended, even if the provider has not reported its end.
MESSAGE_AT_MOST = timedelta(seconds=30)


class PersonLines:
    """Handles the open lines to people. If the message for people who find no caller free has
    started on a line, the provider is not asked any more to join the line to a caller. An earlier
    request to join may still succeed. Commits when a message starts, and when the request for a
    message fails."""

    def __init__(self, switchboard: Switchboard) -> None:
        self._switchboard = switchboard
        # Whether any caller is connected who could take a call that has no caller yet.
        self.has_callers = True
        # By the id of a person's line: when the message started.
        self._messages: dict[int, datetime] = {}
        # The ids of the lines for which the last request for the message failed.
        self._failed: set[int] = set()
        # By the id of a person's line: when the dialler first tried to put the person through. A
        # person who was joined, or who hears the message, is no longer here.
        self._tried: dict[int, datetime] = {}
        # By the id of a person's line: since when the person, after having been joined to a caller,
        # has been joined to nobody.
        self._apart: dict[int, datetime] = {}

    def forget_ended(self, open_ids: set[int]) -> None:
        """Forget the lines that are no longer open."""
        self._messages = {k: at for k, at in self._messages.items() if k in open_ids}
        self._failed &= open_ids
        self._tried = {k: at for k, at in self._tried.items() if k in open_ids}
        self._apart = {k: at for k, at in self._apart.items() if k in open_ids}

    def is_waiting(self, at: datetime) -> bool:
        """Whether the provider is late in reporting that a person was joined to a caller."""
        return any(at - tried_at > TOLD_AFTER for tried_at in self._tried.values())

    def follow(self, line: LineRow, at: datetime) -> None:
        """Do what is due at the time `at`: join the line to a caller, play the message for people
        who find no caller free, or end the line. Often nothing is due."""
        if line.message_at is not None and line.id not in self._messages:
            self._take_over_message(line, line.message_at)
        if self._hears_message(line):
            if line.id in self._failed:
                self._say_nobody_is_free(line, at)
            elif line.played_at or at - self._messages[line.id] > MESSAGE_AT_MOST:
                self._switchboard.hang_up(line.ref)
        elif not line.is_live:
            if self._is_unwanted(line) and _rings_long_enough(line, at):
                self._switchboard.hang_up(line.ref)
        elif line.joined_at is not None:
            self._tried.pop(line.id, None)
            # The caller is gone, or has recorded how the call ended. Do not leave the person on a
            # silent line.
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
        """Join an answered line to the line of the caller who was chosen for the call. If there is
        no such line, or the join takes too long, play the message for people who find no caller
        free. If no caller was chosen yet, play the message only when NOBODY_AFTER is almost
        over."""
        if line.caller_id is None and line.call_is_open:
            # A caller may still become free. The message begins just before `NOBODY_AFTER` is over.
            if at - (line.answered_at or at) > NOBODY_AFTER - HEADROOM:
                self._say_nobody_is_free(line, at)
        elif not self._is_unwanted(line) and line.own_ref is not None:
            # The person is put through even if the provider reported their answer late.
            tried_at = self._tried.setdefault(line.id, at)
            self._switchboard.join(line.ref, line.own_ref)
            if at - tried_at > NOBODY_AFTER:
                self._say_nobody_is_free(line, at)
        else:
            self._say_nobody_is_free(line, at)

    def _say_nobody_is_free(self, line: LineRow, at: datetime) -> None:
        db.session.execute(_MESSAGE, {"line_id": line.id, "at": at})
        db.session.commit()
        self._messages[line.id] = at
        self._tried.pop(line.id, None)
        self._switchboard.play(line.ref, Sound.INFORMATION_MESSAGE)

    def _take_over_message(self, line: LineRow, began: datetime) -> None:
        """Take over a line for which another dialler has stored that the message has started. If
        the provider has not reported the start, the other dialler may have been killed before it
        asked the provider. In that case, if the person still waits for a caller, ask the provider
        again."""
        is_reported = db.session.scalar(_IS_REPORTED, {"line_id": line.id})
        self._messages[line.id] = began
        self._tried.pop(line.id, None)
        if line.is_live and line.joined_at is None and not is_reported:
            self._forget_message(line.id)
            self._say_nobody_is_free(line, now())

    def take_message_answer(self, line_id: int, failed: bool) -> None:
        """Note the provider's answer to the request for the message. If the request failed,
        `follow` sends it again, and this dialler commits. The line's `message_at` is then the
        moment of the later request, unless the provider has already reported the start of the
        message."""
        if failed:
            self._failed.add(line_id)
            self._forget_message(line_id)
            db.session.commit()
        else:
            self._failed.discard(line_id)

    def _forget_message(self, line_id: int) -> None:
        db.session.execute(_NO_MESSAGE, {"line_id": line_id})

    def leave_nobody_waiting(self, line: LineRow, at: datetime) -> None:
        """Do what `follow` does. If the person has answered, and the provider was not asked to join
        the person to a caller, play the message at once. The dialler is about to stop, and until
        the next dialler starts, nobody is joined to a caller."""
        self.follow(line, at)
        is_waiting = line.is_live and line.joined_at is None and line.id not in self._tried
        if is_waiting and not self.has_message(line):
            self._say_nobody_is_free(line, at)

    def has_message(self, line: LineRow) -> bool:
        """Whether the message for people who find no caller free has started on the line."""
        return line.message_at is not None or line.id in self._messages

    def _hears_message(self, line: LineRow) -> bool:
        """Whether the person hears the message, or has heard it. A person who was joined to a
        caller after the message had begun doesn't hear it."""
        began = self._messages.get(line.id)
        if began is None or line.state == LineState.JOINED:
            return False
        return line.joined_at is None or line.joined_at <= began

    def _is_unwanted(self, line: LineRow) -> bool:
        is_over = not line.call_is_open or line.end_wanted_at is not None
        if line.caller_id is None:
            return is_over or not self.has_callers
        return is_over or line.own_ref is None


def _rings_long_enough(line: LineRow, at: datetime) -> bool:
    ringing_since = line.dialled_at or at
    return at - ringing_since >= timedelta(seconds=RINGS_AT_LEAST)
