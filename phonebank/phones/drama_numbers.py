"""Recognises drama numbers, which regulators reserve for radio and television drama. Nobody has a
drama number."""

import re

_DRAMA = re.compile(
    r"\+44(?:(?:11[3-8]|121|131|141|151|161)4960|2079460|1914980|2890180|2920180"
    r"|1632960|7700900|8081570|9098790|3069990)[0-9]{3}"
    r"|\+1[2-9][0-9]{2}55501[0-9]{2}",
    re.ASCII,
)


def is_drama_number(e164: str) -> bool:
    """Whether this number is reserved for radio and television drama, so that nobody can have it.

    In the United Kingdom, these ranges are reserved, each with a thousand numbers (Ofcom,
    "Telephone numbers for use in TV and radio drama programmes"):
    (0113|0114|0115|0116|0117|0118|0121|0131|0141|0151|0161) 496 0000-0999, 020 7946 0000-0999, 0191
    498 0000-0999, 028 9018 0000-0999, 029 2018 0000-0999, 01632 960000-960999, 07700 900000-900999,
    08081 570000-570999, 0909 879 0000-0999, 03069 990000-990999.

    In North America, the numbers 555-0100 to 555-0199 are reserved in every area code (North
    American Numbering Plan Administration, 555 assignment guidelines).
    """
    return _DRAMA.fullmatch(e164) is not None
