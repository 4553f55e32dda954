"""QR codes as SVG. The page that shows a code sets the size of the picture."""

from itertools import groupby

from qrcode import QRCode
from qrcode.constants import ERROR_CORRECT_M

BORDER = 2  # squares


def qr_svg(text: str) -> str:
    """Return the text as a QR code, in an SVG element.

    With error correction level M, the code can still be read if glare hides up to about 15 % of it
    (ISO/IEC 18004).
    """
    code = QRCode(error_correction=ERROR_CORRECT_M, border=BORDER)
    code.add_data(text)
    rows = code.get_matrix()
    bars = []
    for y, row in enumerate(rows):
        x = 0
        for is_dark, run in groupby(row):
            width = len(list(run))
            if is_dark:
                bars.append(f"M{x} {y}h{width}v1h-{width}z")
            x += width
    size = len(rows)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}"'
        f' fill="#000" shape-rendering="crispEdges"><path d="{"".join(bars)}"/></svg>'
    )
