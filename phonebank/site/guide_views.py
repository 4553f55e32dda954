"""The help pages. Anyone may read them, because they say nothing about any person."""

from flask import Blueprint, Flask, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.core.access import ANYONE, open_to
from phonebank.core.errors import NotFoundError
from phonebank.site.guides import GUIDES, guide

pages = Blueprint("help", __name__, url_prefix="/help")


def init_app(app: Flask) -> None:
    """Add the help pages. Also make the “Help” link of a signed-in person lead to the guide for
    organisers or to the guide for hosts."""
    app.register_blueprint(pages)
    app.context_processor(_help_link)


@pages.get("/<name>")
@open_to(ANYONE)
def show(name: str) -> ResponseReturnValue:
    """Show one guide. Raises NotFoundError for a name that is not in GUIDES."""
    if name not in GUIDES:
        raise NotFoundError("There is no such guide.", "Choose one from the help page.")
    title, body = guide(name)
    return render_template("help/guide.html", name=name, title=title, body=body, guides=GUIDES)


def _help_link() -> dict[str, str]:
    """Return the address of the “Help” link as {"help_url": …}. Return {} if nobody is signed in.
    Without an address, the templates' “Help” link leads to `/help`, the guide for callers.

    Also return {} on callers' pages, even if somebody is signed in. A caller needs the guide for
    callers.
    """
    if request.blueprint == "callers" or not current_user.is_authenticated:
        return {}
    name = "organisers" if current_user.organises_something else "hosts"
    return {"help_url": url_for("help.show", name=name)}
