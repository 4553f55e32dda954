"""Checks the signature that proves that a request to us comes from Twilio."""

import base64
import hashlib
import hmac
from collections.abc import Iterable

HEADER = "X-Twilio-Signature"


def signature_of(auth_token: str, url: str, fields: Iterable[tuple[str, str]]) -> str:
    """Return Twilio's signature of a form that is sent to `url`.

    The signed text is the full address, followed by the name and value of each field in the order
    of the names. The signature is an HMAC of this text with SHA-1, in base64. Twilio chose SHA-1,
    which is still secure in an HMAC.
    """
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(
        hmac.digest(auth_token.encode(), signed.encode(), hashlib.sha1)
    ).decode()


def is_signed(auth_token: str, url: str, fields: Iterable[tuple[str, str]], given: str) -> bool:
    """Whether `given` is the signature of this form. The time that the check takes does not show
    how much of a wrong signature is right. So nobody can find the right signature by measuring the
    time."""
    return hmac.compare_digest(signature_of(auth_token, url, fields).encode(), given.encode())
