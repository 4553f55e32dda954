"""E-mail addresses as they are stored."""

import unicodedata

from email_validator import EmailNotValidError, validate_email

from phonebank.core.errors import InvalidInputError

EMAIL_AT_MOST = 255  # characters, as many as an account's column holds


def normalise_email(email: str) -> str:
    """The address in lower case, if mail could be delivered to an address of this form.

    The part before the @ is case-sensitive on paper (RFC 5321 section 2.4) and on no server that
    people use. Raises InvalidInputError.
    """
    try:
        # Some keyboards type full-width letters, which NFKC makes plain.
        plain = unicodedata.normalize("NFKC", email).strip()
        normal = validate_email(plain, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        normal = ""
    if not normal or len(normal) > EMAIL_AT_MOST:
        raise InvalidInputError(
            "That isn't an e-mail address.", "Type it like this: name@example.org."
        )
    return normal
