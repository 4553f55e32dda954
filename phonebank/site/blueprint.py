"""The blueprint of the front page, signing in and the person's own account."""

from flask import Blueprint

pages = Blueprint("accounts", __name__, template_folder="templates")
