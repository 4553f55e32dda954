"""The kinds of error that a page explains to a person. `error_pages` turns each error into a page
or JSON.

PhonebankError
├── InvalidInputError        422  something typed, chosen or uploaded cannot be used
├── NotAllowedError          403  the person is signed in, but may not do this
├── SignInRequiredError      401  nobody is signed in
├── NotFoundError            404
├── ConflictError            409  something has changed, or its state does not allow this
│   └── NotRunningError           the campaign or party is paused or has not begun
├── GoneError                410  the link has expired, or the party or campaign has ended
├── TooManyRequestsError     429
└── ServiceUnavailableError  503  PostgreSQL, Redis or the mail server fails, or a process is busy
"""

from collections.abc import Sequence


class PhonebankError(Exception):
    """The base class of all errors in this module.

    Pages show both texts: `message` says what is wrong, and `what_to_do` says what would help. Each
    subclass sets or inherits an HTTP status and the page's title.
    """

    status = 500
    title = "Something went wrong"

    def __init__(self, message: str, what_to_do: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.what_to_do = what_to_do


class InvalidInputError(PhonebankError):
    """An error about something typed, chosen or uploaded. For an API request, `faults` says where
    each wrong value is and what is wrong with it."""

    status = 422
    title = "That can't be used"

    def __init__(
        self, message: str, what_to_do: str = "", faults: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__(message, what_to_do)
        self.faults = faults


class NotAllowedError(PhonebankError):
    status = 403
    title = "Not for this account"


class SignInRequiredError(PhonebankError):
    status = 401
    title = "Please sign in first"


class NotFoundError(PhonebankError):
    status = 404
    title = "Not found"


class ConflictError(PhonebankError):
    status = 409
    title = "Not now"


class NotRunningError(ConflictError):
    title = "Calling is paused"


class GoneError(PhonebankError):
    status = 410
    title = "This has ended"


class TooManyRequestsError(PhonebankError):
    status = 429
    title = "Too many tries"


class ServiceUnavailableError(PhonebankError):
    status = 503
    title = "Back in a moment"
