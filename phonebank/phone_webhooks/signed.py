"""A decorator for views that refuses every request that Twilio has not signed."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import request

from phonebank.core.config import current_config
from phonebank.core.errors import NotAllowedError
from phonebank.telephony.twilio_signature import HEADER, is_signed

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def signed_by_twilio(view: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Return the view with a check before it. The check raises NotAllowedError unless Twilio signed
    the request for this server's public address (BASE_URL). If this server does not use Twilio, the
    check always raises NotAllowedError."""

    @wraps(view)
    def checked(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        config = current_config()
        if config.telephony != "twilio":
            raise NotAllowedError("This server does not use Twilio.")
        # The address comes from the settings, because a proxy may have changed it in the request.
        url = config.base_url + request.path
        if request.query_string:
            url += "?" + request.query_string.decode("latin-1")
        fields = list(request.form.items(multi=True))
        given = request.headers.get(HEADER, "")
        if not is_signed(config.twilio.auth_token, url, fields, given):
            raise NotAllowedError(
                "The signature is not Twilio's.",
                "Check that BASE_URL is this server's public address, and TWILIO_AUTH_TOKEN.",
            )
        return view(*args, **kwargs)

    return checked
