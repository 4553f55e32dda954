"""The kinds of error that a person is told about. `error_pages` makes each a page or JSON.

PhonebankError
├── BadInput             422  something typed, chosen or uploaded cannot be used
├── NotAllowed           403  the person is signed in, and may not do this
├── SignInNeeded         401  nobody is signed in
├── NotFound             404
├── Conflict             409  the present state of things forbids it
│   ├── NotRunning            the campaign or party is paused or has not begun
│   └── HoldLost              the hold has expired and another caller may have the person
├── Gone                 410  it was here; the link or the party has ended
├── TooMany              429
└── BackInAMoment        503  a store is away; nothing was lost, try again
"""


class PhonebankError(Exception):
    """The base of all of them.

    Pages show both texts: `message` says what is wrong, and `what_to_do` what would help. A
    subclass has the HTTP status and the page's title.
    """

    status = 500
    title = "Something went wrong"

    def __init__(self, message: str, what_to_do: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.what_to_do = what_to_do


class BadInput(PhonebankError):
    status = 422
    title = "That can't be used"


class NotAllowed(PhonebankError):
    status = 403
    title = "Not for this account"


class SignInNeeded(PhonebankError):
    status = 401
    title = "Please sign in first"


class NotFound(PhonebankError):
    status = 404
    title = "Not found"


class Conflict(PhonebankError):
    status = 409
    title = "Not now"


class NotRunning(Conflict):
    title = "Calling is paused"


class HoldLost(Conflict):
    title = "This call has moved on"


class Gone(PhonebankError):
    status = 410
    title = "This has ended"


class TooMany(PhonebankError):
    status = 429
    title = "Too many tries"


class BackInAMoment(PhonebankError):
    status = 503
    title = "Back in a moment"
