"""Reads prices from the environment."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation


def read_price(environ: Mapping[str, str], name: str) -> Decimal | None:
    """Return the price in an environment variable, or None if the variable is empty or missing.
    Raises ValueError if the value is not a number, is negative, or is 1000 or more. The error's
    text is for the person who runs the server.
    """
    text = environ.get(name, "")
    if not text:
        return None
    try:
        price = Decimal(text)
    except InvalidOperation:
        price = Decimal(-1)
    if not price.is_finite() or not 0 <= price < 1000:
        raise ValueError(f"{name} must be a price such as 0.02, not {text!r}.")
    return price
