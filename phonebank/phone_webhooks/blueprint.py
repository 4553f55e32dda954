"""The blueprint of the addresses for providers of telephone lines."""

from flask import Blueprint

phone_webhooks = Blueprint("phone_webhooks", __name__)
