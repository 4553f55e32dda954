"""The X-Phonebank headers, by which our pages tell the app's answers from a proxy's.

A proxy, or the log-in page of a café or train, may answer a phone instead of Phonebank, with any
status. A page of ours trusts an answer only if it has the header `OURS`, and treats what was sent
for a call as settled only if the header `CALL` names that call.
"""

from flask import Response

# Every response of the app has this header. Only its presence matters, not its value.
OURS = "X-Phonebank"
# "<the call's id> saved" or "<the call's id> refused": the final word on what was sent for a call.
CALL = "X-Phonebank-Call"
# A form that was refused because its token is too old or its cookie is gone has this header: sent
# with a fresh token, the form may be accepted.
STALE_FORM = "X-Phonebank-Stale-Form"
# The address of the next page. The call page's JavaScript must see this answer, and a browser would
# follow a redirect before the JavaScript sees it.
GO_TO = "X-Phonebank-Go-To"

# After an answer with one of these statuses, the app may accept the same request later. So such an
# answer settles nothing.
_RETRY_STATUSES = (408, 425, 429)


def mark_as_ours(response: Response) -> Response:
    """Add the header that says that the app itself made this response."""
    response.headers[OURS] = "1"
    return response


def verdict_of(response: Response) -> str | None:
    """Return the final word on what was sent: "saved" or "refused", or None if a later try may
    still be accepted."""
    status = response.status_code
    if status < 400:
        return "saved"
    if status >= 500 or status in _RETRY_STATUSES or STALE_FORM in response.headers:
        return None
    return "refused"
