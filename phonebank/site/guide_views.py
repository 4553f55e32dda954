"""The help pages: open to everyone, for they hold nothing about anybody."""

from flask import Blueprint, Flask, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.core.access import ANYONE, open_to
from phonebank.core.errors import NotFoundError
from phonebank.site.guides import GUIDES, guide

pages = Blueprint("help", __name__, url_prefix="/help")


def init_app(app: Flask) -> None:
    """Add the pages, and lead organisers and hosts to theirs from the top of every page."""
    app.register_blueprint(pages)
    app.context_processor(_own_help)


@pages.get("/<name>")
@open_to(ANYONE)
def show(name: str) -> ResponseReturnValue:
    """One guide."""
    if name not in GUIDES:
        raise NotFoundError("There is no such guide.", "Choose one from the help page.")
    title, body = guide(name)
    return render_template("help/guide.html", name=name, title=title, body=body, guides=GUIDES)


def _own_help() -> dict[str, str]:
    """Where "Help" leads; callers' pages have their own, whoever else is signed in there."""
    if request.blueprint == "callers" or not current_user.is_authenticated:
        return {}
    name = "organisers" if current_user.is_organiser else "hosts"
    return {"help_url": url_for("help.show", name=name)}
