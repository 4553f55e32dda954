"""Checks e-mail addresses, and converts them to the form in which they are stored."""

import unicodedata

from email_validator import EmailNotValidError, validate_email

from phonebank.core.errors import InvalidInputError

EMAIL_AT_MOST = 255  # characters, as many as an account's column holds


def normalise_email(email: str) -> str:
    """Return the address in the form in which it is stored: in lower case, without spaces around
    it, and with full-width letters replaced by ordinary ones.

    Raises InvalidInputError if the text does not have the form of an e-mail address or is too long
    to be stored. The standard allows a server to distinguish upper and lower case before the @ (RFC
    5321 section 2.4), but in practice servers do not distinguish them.
    """
    try:
        # Some keyboards type full-width letters. NFKC replaces them by plain letters.
        plain = unicodedata.normalize("NFKC", email).strip()
        normal = validate_email(plain, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        normal = ""
    if not normal or len(normal) > EMAIL_AT_MOST:
        # Without a full stop, because people would type it.
        raise InvalidInputError(
            "That isn't an e-mail address.", "Type it like this: name@example.org"
        )
    return normal
