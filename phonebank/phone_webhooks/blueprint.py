"""The Flask blueprint for the addresses to which providers of telephone lines send webhooks."""

from flask import Blueprint

phone_webhooks = Blueprint("phone_webhooks", __name__)
