"""How many downloads one process sends at once."""

import pytest
from flask import Flask
from sqlalchemy import text

from phonebank.core.errors import ServiceUnavailableError
from phonebank.exports.row_stream import DOWNLOADS_AT_ONCE, stream_rows

NUMBERS = text("SELECT generate_series(1, 2000)")


def test_a_download_counts_from_its_request_to_its_end(app: Flask) -> None:
    with app.app_context():
        under_way = [stream_rows(NUMBERS) for _ in range(DOWNLOADS_AT_ONCE)]
        with pytest.raises(ServiceUnavailableError, match="Several other files"):
            stream_rows(NUMBERS)
        assert len(list(under_way[0])) == 2000
        again = stream_rows(NUMBERS)
        with pytest.raises(ServiceUnavailableError):
            stream_rows(NUMBERS)
        assert next(again)
        # One browser goes before its first row, another after it.
        del under_way[1], again
        under_way += [stream_rows(NUMBERS) for _ in range(2)]
        with pytest.raises(ServiceUnavailableError):
            stream_rows(NUMBERS)
        under_way.clear()
        assert len(list(stream_rows(NUMBERS))) == 2000
