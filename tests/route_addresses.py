"""Gives every route an address, so that a test can request all of them."""

from typing import Any
from uuid import UUID

from werkzeug.routing import AnyConverter, BaseConverter, IntegerConverter, Rule, UUIDConverter


def address(route: Rule) -> str:
    """An address of the route. Numbers in it are 1, the id of the first row of any table."""
    values = {name: _dummy(converter) for name, converter in route._converters.items()}
    built = route.build(values, append_unknown=False)
    assert built is not None, route
    return built[1]


def _dummy(converter: BaseConverter) -> Any:
    if isinstance(converter, AnyConverter):
        return sorted(converter.items)[0]
    if isinstance(converter, UUIDConverter):
        return UUID("01890000-0000-7000-8000-000000000001")
    return 1 if isinstance(converter, IntegerConverter) else "x"
