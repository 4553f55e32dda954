"""The pages about chapters (local groups): the name of each chapter, its campaigns, and the people
who have a role in it."""

from flask import Blueprint, Flask, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user
from sqlalchemy import select

from phonebank.campaigns import chapters
from phonebank.core.access import open_to
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError
from phonebank.models import Campaign, Chapter, RoleName
from phonebank.organisers.responses import commit_and_redirect

pages = Blueprint("chapters", __name__, url_prefix="/chapters")


def init_app(app: Flask) -> None:
    """Add the pages."""
    app.register_blueprint(pages)


@pages.route("", methods=["GET", "POST"])
@open_to(RoleName.ORGANISER)
def index() -> ResponseReturnValue:
    """List the chapters. A POST creates a chapter."""
    name, error = request.form.get("name", ""), None
    if request.method == "POST":
        try:
            chapter = chapters.create_chapter(name, current_user)
            return commit_and_redirect(
                _address(chapter), "The chapter is made. Next, add its campaigns."
            )
        except (InvalidInputError, ConflictError) as fault:
            db.session.rollback()
            error = f"{fault.message} {fault.what_to_do}"
    page = render_template(
        "chapters/index.html", sizes=chapters.chapter_sizes(), name=name, error=error
    )
    return page, 422 if error else 200


@pages.get("/<int:chapter_id>")
@open_to(RoleName.ORGANISER)
def show(chapter_id: int) -> ResponseReturnValue:
    """Show one chapter: its campaigns, and the people who have a role in it."""
    chapter = chapters.chapter_for(chapter_id)
    # A campaign without a chapter comes first.
    others = (
        select(Campaign, Chapter.name)
        .outerjoin(Chapter, Chapter.id == Campaign.chapter_id)
        .where(Campaign.chapter_id.is_distinct_from(chapter.id))
        .order_by(Campaign.chapter_id.is_not(None), Campaign.id.desc())
    )
    return render_template(
        "chapters/show.html",
        chapter=chapter,
        campaigns=chapters.campaigns_in(chapter),
        people=chapters.people_in(chapter),
        others=db.session.execute(others).all(),
    )


@pages.post("/<int:chapter_id>/name")
@open_to(RoleName.ORGANISER)
def rename(chapter_id: int) -> ResponseReturnValue:
    """Rename the chapter."""
    chapter = chapters.chapter_for(chapter_id)
    chapters.rename_chapter(chapter, request.form.get("name", ""), current_user)
    return commit_and_redirect(_address(chapter), "Saved.")


@pages.post("/<int:chapter_id>/campaigns")
@open_to(RoleName.ORGANISER)
def put_in(chapter_id: int) -> ResponseReturnValue:
    """Put a campaign into the chapter. The form sends two ids: the campaign's id, and the id of the
    chapter in which the campaign was when the page was opened. For example, "12-3" means campaign
    12 in chapter 3, and "12-0" means campaign 12 in no chapter."""
    chapter = chapters.chapter_for(chapter_id)
    campaign_id, _, seen = request.form.get("campaign", "").partition("-")
    if not (campaign_id.isdecimal() and seen.isdecimal()):
        raise InvalidInputError("No campaign is chosen.", "Choose one from the list.")
    campaign = _campaign(int(campaign_id))
    chapters.move_campaign(campaign, int(seen) or None, chapter.id, current_user)
    return commit_and_redirect(
        _address(chapter),
        f"“{campaign.name}” is in {chapter.name} now. The chapter's organisers can see it.",
    )


@pages.post("/<int:chapter_id>/campaigns/out")
@open_to(RoleName.ORGANISER)
def take_out(chapter_id: int) -> ResponseReturnValue:
    """Take a campaign out of the chapter."""
    chapter = chapters.chapter_for(chapter_id)
    campaign = _campaign(request.form.get("campaign", 0, type=int))
    chapters.move_campaign(campaign, chapter.id, None, current_user)
    return commit_and_redirect(
        _address(chapter),
        f"“{campaign.name}” is in no chapter now. A role in {chapter.name} no longer lets people "
        "see it.",
    )


@pages.post("/<int:chapter_id>/delete")
@open_to(RoleName.ORGANISER)
def delete(chapter_id: int) -> ResponseReturnValue:
    """Delete a chapter. This works only if the chapter has no campaigns and nobody has a role in
    it."""
    chapter = chapters.chapter_for(chapter_id)
    name = chapter.name
    chapters.delete_chapter(chapter, current_user)
    return commit_and_redirect(url_for(".index"), f"The chapter {name} is deleted.")


def _address(chapter: Chapter) -> str:
    return url_for(".show", chapter_id=chapter.id)


def _campaign(campaign_id: int) -> Campaign:
    campaign = db.session.get(Campaign, campaign_id) if 0 < campaign_id < 2**31 else None
    if campaign is None:
        raise InvalidInputError("This campaign does not exist.", "Choose one from the list.")
    return campaign
