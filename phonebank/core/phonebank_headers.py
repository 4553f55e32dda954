"""The X-Phonebank headers. Our pages use them to distinguish the app's answers from a proxy's
answers.

A proxy, or the log-in page of the Wi-Fi in a café or train, may answer a phone in Phonebank's
place, with any status. Our pages trust an answer only if it has the header `OURS`. A page resends
the record of a call until an answer names that call in its header `CALL`.
"""

from flask import Response

# Every response of the app has this header. Only its presence matters, not its value.
OURS = "X-Phonebank"
# "<the call's id> saved" or "<the call's id> refused". After it, the page need not send the record
# of that call again.
CALL = "X-Phonebank-Call"
# This header says that a form was refused because its token was too old or its cookie was missing.
# The same form may be accepted with a fresh token.
STALE_FORM = "X-Phonebank-Stale-Form"
# The address of the next page. The call page's JavaScript must see this answer, but a browser would
# follow a redirect without showing it to the JavaScript.
GO_TO = "X-Phonebank-Go-To"

# After one of these statuses, the app may accept the same request later, so the answer is not
# final.
_RETRY_STATUSES = (408, 425, 429)


def mark_as_ours(response: Response) -> Response:
    """Add the header that says that this response is from the app itself."""
    response.headers[OURS] = "1"
    return response


def verdict_of(response: Response) -> str | None:
    """Return "saved" or "refused" if this response settles the request. Return None if the same
    request may be accepted when it is sent again later."""
    status = response.status_code
    if status < 400:
        return "saved"
    if status >= 500 or status in _RETRY_STATUSES or STALE_FORM in response.headers:
        return None
    return "refused"
