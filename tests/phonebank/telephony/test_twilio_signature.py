"""Twilio's signature, by two published examples."""

import pytest

from phonebank.telephony.twilio_signature import is_signed, signature_of

URL = "https://mycompany.com/myapp.php?foo=1&bar=2"


@pytest.mark.parametrize(
    ("caller", "signature"),
    [
        ("+14158675309", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("+12349013030", "0/KCTR6DLpKmkAf8muzZqo1nDgQ="),
    ],
)
def test_the_published_examples(caller: str, signature: str) -> None:
    fields = {
        "CallSid": "CA1234567890ABCDE",
        "Digits": "1234",
        "To": "+18005551212",
        "From": caller,
        "Caller": caller,
    }
    assert signature_of("12345", URL, fields.items()) == signature
    assert is_signed("12345", URL, fields.items(), signature)
    # Every part of the request counts.
    assert not is_signed("12346", URL, fields.items(), signature)
    assert not is_signed("12345", URL.replace("https", "http"), fields.items(), signature)
    assert not is_signed("12345", URL, (fields | {"Digits": "1235"}).items(), signature)
    assert not is_signed("12345", URL, fields.items(), "")
    assert not is_signed("12345", URL, fields.items(), "ä")
