"""What is signed with its time (sessions, form tokens, links), read by a machine of another clock.

No two machines' clocks agree. A page that one web machine signs may be sent back at once, to
another whose clock is a second or two behind; by that clock it comes from the future.
"""

from datetime import UTC, datetime
from typing import Any

from itsdangerous import SignatureExpired, TimestampSigner
from itsdangerous.timed import TimedSerializer

# Seconds. Machines that keep time by NTP are milliseconds apart; one that does not is found out.
CLOCKS_DIFFER_AT_MOST = 60


class PatientSigner(TimestampSigner):
    """Takes what was signed up to a minute ahead of this machine's clock for signed just now."""

    def unsign(  # type: ignore[override]
        self, signed_value: str | bytes, max_age: int | None = None, **options: Any
    ) -> Any:
        """As TimestampSigner has it. Raises SignatureExpired, BadSignature."""
        try:
            return super().unsign(signed_value, max_age=max_age, **options)
        except SignatureExpired as expired:
            if expired.date_signed is None:
                raise
            now = datetime.fromtimestamp(self.get_timestamp(), UTC)
            if not 0 < (expired.date_signed - now).total_seconds() <= CLOCKS_DIFFER_AT_MOST:
                raise
        return super().unsign(signed_value, **options)


def install() -> None:
    """Have all that the process signs with a time read so, also by the libraries."""
    TimedSerializer.default_signer = PatientSigner
