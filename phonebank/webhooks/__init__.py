"""Webhooks: they send what happened in a campaign to other software."""
