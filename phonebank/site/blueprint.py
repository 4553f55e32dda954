"""The blueprint of the front page, the sign-in pages and the pages of the signed-in person's own
account."""

from flask import Blueprint

pages = Blueprint("accounts", __name__, template_folder="templates")
