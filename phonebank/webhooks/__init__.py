"""Webhooks, which tell other software what happened in a campaign."""
