"""The certificate of a trained mark. Its link proves it to everyone who has it."""

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
    """Show the certificate, made to be printed, with the link that checks it."""
    mark = mark_by_token(token)
    link = current_config().base_url + url_for(".certificate", token=mark.token)
    return render_template("movement/certificate.html", mark=mark, link=link, qr=qr_svg(link))
