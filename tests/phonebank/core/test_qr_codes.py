"""A QR code's picture has the code's squares, and needs no style from the page."""

import re

import pytest
from qrcode import QRCode
from qrcode.constants import ERROR_CORRECT_M

from phonebank.core.qr_codes import qr_svg


def squares_of(picture: str) -> list[list[bool]]:
    """The squares that the picture paints, by row."""
    size = int(re.search(r'viewBox="0 0 (\d+) \1"', picture)[1])
    squares = [[False] * size for _ in range(size)]
    for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\3z", picture):
        for at in range(int(x), int(x) + int(width)):
            squares[int(y)][at] = True
    return squares


@pytest.mark.parametrize("text", ["https://ring.example/join/ABC234", "tel:+442079460777"])
def test_the_picture_has_the_squares_of_the_code(text: str) -> None:
    code = QRCode(error_correction=ERROR_CORRECT_M, border=2)
    code.add_data(text)
    assert squares_of(qr_svg(text)) == code.get_matrix()


def test_the_picture_needs_no_inline_style_and_no_escaping() -> None:
    picture = qr_svg('https://ring.example/?q="<script>')
    assert picture.startswith("<svg")
    assert "style" not in picture
    assert ' fill="#000"' in picture, "black on the dark pages too"
    assert "script" not in picture
