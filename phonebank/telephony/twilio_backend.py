"""Makes calls through Twilio, or through a service that is compatible with it.

A caller's line enters its own conference room at Twilio and stays there. A person who answers is
put into the caller's room. The package `phone_webhooks` receives Twilio's webhooks, which report
what happens on a line. `fetch` asks Twilio for the states of lines, because a webhook may be lost.

Answering machines are never detected, because detection would need seconds of silence after each
answer.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import VoiceGrant
from twilio.rest import Client

from phonebank.core.config import Config, ConfigError
from phonebank.telephony import twilio_twiml as twiml
from phonebank.telephony.backend import (
    BackendUnavailableError,
    LineRef,
    NoSoftphoneError,
    NumberRefusedError,
    SoftphoneToken,
    Sound,
)
from phonebank.telephony.events import LineEvent
from phonebank.telephony.twilio_fetch import LineFetcher
from phonebank.telephony.twilio_http import NoAnswerError, PacedHttpClient
from phonebank.telephony.twilio_pace import CallPace

log = logging.getLogger(__name__)

# Seconds that a caller's own telephone rings.
CALLER_RING_SECONDS = 30
# The law says that a person's telephone rings for at least this many seconds.
LEAST_RING_SECONDS = 15
# How many seconds a token works. A caller may open their line at any time while it works.
TOKEN_SECONDS = 3600
# Milliseconds that Twilio may keep a call in its own queue.
QUEUED_AT_MOST = 2000
# Seconds to wait between the requests that look for a call that Twilio may have begun without
# telling us.
PAUSES = (0.2, 0.5, 1.0, 2.0, 0.0)
BEGUN_REMEMBERED = 500
# Twilio's errors for a number that cannot be called.
NUMBER_ERRORS = {13223, 13224, 13225, 13226, 13227, 21211, 21214, 21215, 21216, 21217}
# Twilio's errors for a call that has already ended, or is not there.
ENDED_ERRORS = {21220, 20404}


class TwilioBackend:
    """A Backend whose lines are calls at Twilio."""

    name = "twilio"
    sends_webhooks = True

    def __init__(self, config: Config) -> None:
        settings = config.twilio
        if not settings.account_sid or not settings.auth_token:
            raise ConfigError(
                "TELEPHONY=twilio needs TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN. See "
                "docs/operations.md."
            )
        self._settings = settings
        self._base_url = config.base_url
        pace = CallPace(config.redis_url, settings.calls_a_second)
        self._client = Client(
            settings.account_sid,
            settings.auth_token,
            http_client=PacedHttpClient(settings.api_url, pace.wait),
        )
        self._lines = LineFetcher(self._client, self._ask)
        # The calls that this process began last. `_find_again` leaves them out, because it looks
        # for a call whose id this process does not know.
        self._begun: deque[str] = deque(maxlen=BEGUN_REMEMBERED)

    # Lines -------------------------------------------------------------------------------------

    def call_caller(self, line_id: int, number: str, show: str) -> str:
        """See `Backend`."""
        words = twiml.into_own_room(self._base_url, line_id)
        return self._dial(line_id, number, show, CALLER_RING_SECONDS, words)

    def call_person(self, line_id: int, number: str, show: str, ring_seconds: int) -> str:
        """See `Backend`. Raises ValueError if `ring_seconds` is less than 15."""
        if ring_seconds < LEAST_RING_SECONDS:
            raise ValueError(f"a telephone must ring for {LEAST_RING_SECONDS} seconds")
        words = twiml.wait_to_be_joined(self._base_url, line_id)
        return self._dial(line_id, number, show, ring_seconds, words)

    def join(self, person: LineRef, caller: LineRef) -> None:
        """See `Backend`. If the person is already in the caller's room, as far as this process
        knows, nothing is sent to Twilio. A second command would take the person out of the room for
        a moment."""
        if self._lines.has_joined(person, caller):
            return
        self._update(
            person, twiml=twiml.into_room_of(self._base_url, person.line_id, caller.line_id)
        )
        self._lines.remember_join(person, caller)

    def play(self, line: LineRef, sound: Sound) -> None:
        """See `Backend`. For WAITING, nothing is sent to Twilio, because Twilio itself plays the
        waiting music in a caller's room."""
        if sound == Sound.INFORMATION_MESSAGE:
            self._update(line, url=twiml.webhook(self._base_url, twiml.MESSAGE, line.line_id))

    def hang_up(self, line: LineRef) -> None:
        """See `Backend`. A call that is still in Twilio's queue is removed from the queue. Does
        nothing if Twilio's id of the call is not known."""
        self._update(line, status="completed")

    def softphone_token(self, caller_id: int, line_id: int) -> SoftphoneToken:
        """See `Backend`."""
        settings = self._settings
        if not settings.has_softphone:
            raise NoSoftphoneError
        token = AccessToken(
            settings.account_sid,
            settings.api_key,
            settings.api_secret,
            identity=f"caller-{caller_id}",
            ttl=TOKEN_SECONDS,
        )
        token.add_grant(VoiceGrant(outgoing_application_sid=settings.app_sid, incoming_allow=False))
        expires_at = datetime.now(UTC) + timedelta(seconds=TOKEN_SECONDS)
        return SoftphoneToken(self.name, token.to_jwt(), expires_at, {"line": str(line_id)})

    def fetch(self, lines: Sequence[LineRef]) -> list[LineEvent]:
        """See `Backend`. A line whose id at Twilio is not known counts as lost two minutes after
        this process first fetched its state, because Twilio would have reported the call by then.
        Such a line counts as lost at once if Twilio certainly has not dialled it."""
        return self._lines.fetch(lines)

    def listen(self, tell: Callable[[LineEvent], None]) -> None:
        """Do nothing, because Twilio sends webhooks."""

    def close(self) -> None:
        """Do nothing."""

    # Money -------------------------------------------------------------------------------------

    def prices_since(self, since: datetime) -> dict[str, tuple[Decimal, str]]:
        """See `prices.TellsPrices`."""
        asked: dict[str, Any] = {"status": "completed", "start_time_after": since}
        calls = self._ask(lambda: self._client.calls.list(**asked, page_size=1000, limit=50_000))
        return {
            call.sid: (abs(Decimal(call.price)), str(call.price_unit or "USD").upper())
            for call in calls or ()
            if call.price is not None
        }

    # Requests ----------------------------------------------------------------------------------

    def _dial(self, line_id: int, number: str, show: str, seconds: int, words: str) -> str:
        began = datetime.now(UTC)
        try:
            call = self._client.calls.create(
                to=number,
                from_=show,
                twiml=words,
                timeout=seconds,
                status_callback=twiml.webhook(self._base_url, twiml.STATUS, line_id),
                status_callback_event=["ringing", "answered", "completed"],
            )
        except BackendUnavailableError:  # no call may begin now
            self._lines.remember_undialled(line_id)
            raise
        except NoAnswerError as error:
            if error.was_sent:
                return self._find_again(line_id, number, show, began)
            self._lines.remember_undialled(line_id)
            raise _unavailable(error) from None
        except TwilioRestException as error:
            if error.code in NUMBER_ERRORS:
                raise NumberRefusedError(f"Twilio refuses the number: error {error.code}") from None
            if error.status >= 500:
                return self._find_again(line_id, number, show, began)
            self._lines.remember_undialled(line_id)
            raise _unavailable(error) from None
        if int(call.queue_time or 0) > QUEUED_AT_MOST:
            log.warning("Twilio queues calls: lower TWILIO_CALLS_A_SECOND")
            self.hang_up(LineRef(line_id, call.sid))
            self._lines.remember_undialled(line_id)
            raise BackendUnavailableError("Twilio has no room for a call now.")
        self._begun.append(str(call.sid))
        return str(call.sid)

    def _find_again(self, line_id: int, number: str, show: str, began: datetime) -> str:
        """Return the id of a call that Twilio may have started without telling us. Raises
        BackendUnavailableError if there is no such call, or if Twilio does not answer or answers
        with an error."""
        for pause in PAUSES:
            try:
                calls = self._client.calls.list(from_=show, limit=100, page_size=100)
            except (NoAnswerError, TwilioException):
                time.sleep(pause)
                continue
            for call in calls:
                # Twilio's clock shows whole seconds.
                is_young = call.date_created >= began - timedelta(seconds=2)
                if call.to == number and is_young and call.sid not in self._begun:
                    self._begun.append(str(call.sid))
                    return str(call.sid)
            self._lines.remember_undialled(line_id)
            break
        raise BackendUnavailableError("Twilio did not say whether it took the call.")

    def _update(self, line: LineRef, **changes: str) -> None:
        if line.provider_id is None:
            return
        self._ask(lambda: self._client.calls(line.provider_id).update(**changes))

    def _ask(self, request: Callable[[], Any]) -> Any:
        """Send a request that may safely be sent again later. Return the answer, or None if the
        call has ended or does not exist. Raises BackendUnavailableError for any other fault."""
        try:
            return request()
        except TwilioRestException as error:
            if error.code in ENDED_ERRORS or error.status == 404:
                return None
            raise _unavailable(error) from None
        except (NoAnswerError, TwilioException) as error:  # the second from a list
            raise _unavailable(error) from None


def _unavailable(error: Exception) -> BackendUnavailableError:
    """Log an error from Twilio, and return the error to raise. Neither the log nor the returned
    error has Twilio's own message, because that message may contain a person's number."""
    code = getattr(error, "code", None) or getattr(error, "status", None) or "no answer"
    log.warning("Twilio refused or did not answer: %s", code)
    return BackendUnavailableError(f"Twilio: {code}")
