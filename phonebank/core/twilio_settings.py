"""The settings for Twilio, or for a service that is compatible with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from phonebank.core.prices import read_price

API_URL = "https://api.twilio.com"
PRICE = Decimal("0.10")


@dataclass(frozen=True)
class TwilioSettings:
    """The settings of a Twilio account. On a server that does not use Twilio, the fields with the
    account's ids, token, key and secret are empty."""

    account_sid: str = ""
    # Twilio signs its requests to us with this token. Anyone who has the token can use the account.
    auth_token: str = field(default="", repr=False)
    # The address of Twilio's API, without `/2010-04-01`. A compatible service has another address.
    api_url: str = API_URL
    # How many calls a second the account may begin.
    calls_a_second: float = 1.0
    # An API key, its secret and a TwiML app are needed for calls from the browser.
    api_key: str = ""
    api_secret: str = field(default="", repr=False)
    app_sid: str = ""
    # What a minute costs at most, in the account's currency. It counts for a campaign's daily limit
    # until Twilio has reported what the campaign's first lines cost.
    price: Decimal = PRICE

    @property
    def has_softphone(self) -> bool:
        """Whether the settings let callers make calls from the browser."""
        return bool(self.api_key and self.api_secret and self.app_sid)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "TwilioSettings":
        """Read the settings from `environ`. Raises ValueError if a setting is wrong. The error's
        text is for the person who runs the server."""
        rate = environ.get("TWILIO_CALLS_A_SECOND") or "1"
        try:
            calls_a_second = float(rate)
        except ValueError:
            calls_a_second = 0.0
        if not 0 < calls_a_second <= 1000:
            raise ValueError(f"TWILIO_CALLS_A_SECOND must be a number above 0, not {rate!r}.")
        api_url = (environ.get("TWILIO_API_URL") or API_URL).rstrip("/")
        if not api_url.startswith(("https://", "http://127.0.0.1:")):
            raise ValueError(f"TWILIO_API_URL must start with https://, unlike {api_url!r}.")
        return cls(
            account_sid=environ.get("TWILIO_ACCOUNT_SID", ""),
            auth_token=environ.get("TWILIO_AUTH_TOKEN", ""),
            api_url=api_url,
            calls_a_second=calls_a_second,
            api_key=environ.get("TWILIO_API_KEY", ""),
            api_secret=environ.get("TWILIO_API_SECRET", ""),
            app_sid=environ.get("TWILIO_APP_SID", ""),
            price=read_price(environ, "TWILIO_PRICE_A_MINUTE") or PRICE,
        )
