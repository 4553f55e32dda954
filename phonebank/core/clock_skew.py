"""Accepts signed times (in sessions, form tokens and links) from a machine whose clock is ahead.

The clocks of two machines never agree exactly. A browser may get a page with a value that one web
machine has signed, and immediately send this value to another web machine. If the second machine's
clock is a second or two behind, the signature seems to have been made in the future.
"""

from datetime import UTC, datetime
from typing import Any

from itsdangerous import SignatureExpired, TimestampSigner
from itsdangerous.timed import TimedSerializer

# Seconds. NTP keeps the clocks of machines within milliseconds of each other. If the clock of a
# machine without NTP is ahead by more than this, requests fail, so the fault is noticed.
MAX_CLOCK_SKEW = 60
# The number of right signatures that are remembered. Each takes a third of a kilobyte.
SIGNATURES_KEPT = 10_000


class PatientSigner(TimestampSigner):
    """A signer that treats a signature from up to MAX_CLOCK_SKEW seconds in the future as if it had
    been made just now."""

    def unsign(  # type: ignore[override]
        self, signed_value: str | bytes, max_age: int | None = None, **options: Any
    ) -> Any:
        """Check a signed value, and return the result that TimestampSigner.unsign returns. But
        accept a time that is up to MAX_CLOCK_SKEW seconds in the future. Raises BadSignature if the
        signature is wrong. With `max_age` (in seconds), raises SignatureExpired if the time is
        older or further in the future."""
        try:
            return super().unsign(signed_value, max_age=max_age, **options)
        except SignatureExpired as expired:
            if expired.date_signed is None:
                raise
            now = datetime.fromtimestamp(self.get_timestamp(), UTC)
            if not 0 < (expired.date_signed - now).total_seconds() <= MAX_CLOCK_SKEW:
                raise
        return super().unsign(signed_value, **options)

    def verify_signature(self, value: str | bytes, sig: str | bytes) -> bool:
        """Whether the signature is right. A phone sends the same form token again and again, so the
        process remembers the signatures that it has found to be right."""
        known = (*self.secret_keys, self.salt, value, sig)
        if known in _RIGHT:
            return True
        is_right = super().verify_signature(value, sig)
        if is_right:
            if len(_RIGHT) >= SIGNATURES_KEPT:
                _RIGHT.clear()
            _RIGHT.add(known)
        return is_right


_RIGHT: set[tuple[str | bytes, ...]] = set()


def tolerate_clock_skew() -> None:
    """Make every TimedSerializer of this process, including those of the libraries that it uses,
    check signed times with PatientSigner. A serializer that was made earlier is not changed."""
    TimedSerializer.default_signer = PatientSigner
