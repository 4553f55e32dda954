"""The headers by which our own pages know our answers from somebody else's.

Between a phone and Phonebank stand proxies and the log-in pages of cafés and trains. They answer in
our place, with any status there is. A page of ours believes an answer only when it carries `OURS`,
and takes a call's outcome or answer for settled only when `CALL` names that call.
"""

from flask import Response

# On every response of the app. Its value says nothing; that it is there does.
OURS = "X-Phonebank"
# "<the call's id> saved" or "<the call's id> refused": the last word on what was sent about a call.
CALL = "X-Phonebank-Call"
# On a refused form: its token is too old or the cookie is gone. A fresh token may save it.
STALE_FORM = "X-Phonebank-Stale-Form"
# Where to go next, for the call page's JavaScript: it must see this answer, not the next page.
GO_TO = "X-Phonebank-Go-To"

# Our own, and yet not the last word: the same request may be taken later.
_ASK_AGAIN = (408, 425, 429)


def mark_as_ours(response: Response) -> Response:
    """Say that the app itself made this response."""
    response.headers[OURS] = "1"
    return response


def verdict_on(response: Response) -> str | None:
    """The last word on the thing sent: "saved" or "refused"; None where there is none yet."""
    status = response.status_code
    if status < 400:
        return "saved"
    if status >= 500 or status in _ASK_AGAIN or STALE_FORM in response.headers:
        return None
    return "refused"
