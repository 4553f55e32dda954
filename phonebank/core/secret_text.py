"""Encrypts text that is to be stored, and makes keyed hashes of text, such as e-mail addresses.

The keys come from `Config.number_keys`. If there are none, as on a developer's machine,
`Config.secret_key` is the only key. Both settings come from the environment, so neither the tables
nor their backups contain the keys. New text is encrypted with the first key. Text that was
encrypted with an older key can be read as long as `Config.number_keys` contains that key.
"""

import base64
import hmac
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from phonebank.core.config import current_config


def encrypt(text: str) -> str:
    """Return the text in encrypted form, which only a process that has the first key can read."""
    return _fernet(_keys()).encrypt(text.encode()).decode()


def decrypt(stored: str) -> str | None:
    """Return the text, or None if none of the keys can decrypt it. For example,
    `Config.number_keys` may no longer contain the key with which the text was encrypted."""
    try:
        return _fernet(_keys()).decrypt(stored.encode()).decode()
    except InvalidToken:
        return None


def keyed_hashes(text: str) -> list[str]:
    """Return a hash of the text for each key, as hexadecimal digits. Store the first hash in a new
    row. To find a stored row, search for a row that has any of the hashes."""
    return [hmac.digest(key.encode(), text.encode(), "sha256").hex() for key in _keys()]


def _keys() -> tuple[str, ...]:
    config = current_config()
    # On a developer's machine there may be no such keys.
    return config.number_keys or (config.secret_key,)


@cache
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derive(key)) for key in keys])


def _derive(key: str) -> bytes:
    # The same key also makes hashes, so this use has a separate name (RFC 5869 section 3.2).
    derived = HKDF(SHA256(), length=32, salt=None, info=b"phonebank stored text")
    return base64.urlsafe_b64encode(derived.derive(key.encode()))
