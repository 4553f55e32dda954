"""Compresses pages and JSON with gzip for clients that accept it.

Do not compress a response that contains both a secret and text from outside, for example from the
page's address. If an attacker has chosen this text, the size of the compressed response helps to
guess the secret. docs/decisions/0030-callers-pages-are-compressed.md says why.
"""

import gzip

from flask import Response, request

# Bytes. A smaller answer fits into one packet without compression.
WORTH_IT = 1000
# At this level a call page of 44 kB becomes 10 kB in 0.6 ms. A phone loads this page once. Later
# answers contain only the next person. They have a few hundred bytes, so any level is fast.
LEVEL = 6


def gzip_if_asked(response: Response) -> Response:
    """Compress the response's body if the client asks for gzip and the body is large enough. Return
    the response. A body that is streamed or already encoded is left unchanged."""
    is_small = (response.content_length or 0) < WORTH_IT
    if is_small or response.is_streamed or "Content-Encoding" in response.headers:
        return response
    response.vary.add("Accept-Encoding")
    if request.accept_encodings.quality("gzip"):
        response.set_data(gzip.compress(response.get_data(), LEVEL, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response
