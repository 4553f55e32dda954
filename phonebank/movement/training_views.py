"""The certificate of a trained mark. Everyone who has its link can check that the mark is real."""

from flask import render_template, url_for
from flask.typing import ResponseReturnValue

from phonebank.core.access import TV, open_to
from phonebank.core.config import current_config
from phonebank.core.qr_codes import qr_svg
from phonebank.movement.blueprint import pages
from phonebank.trainings.marks import mark_by_token


@pages.get("/trained/<token>")
@open_to(TV)
def certificate(token: str) -> ResponseReturnValue:
    """Show the certificate, ready to print, with the link at which others can check it."""
    mark = mark_by_token(token)
    link = current_config().base_url + url_for(".certificate", token=mark.token)
    return render_template("movement/certificate.html", mark=mark, link=link, qr=qr_svg(link))
