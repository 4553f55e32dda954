"""The waiting sound, which a caller hears while nobody is joined to them.

Asterisk plays the sound on the caller's own channel. If it played the sound on the caller's bridge,
each caller would need two more channels, and the sound would take most of Asterisk's processor
time.
"""

from __future__ import annotations

from phonebank.telephony.asterisk_ari import Ari


def play_waiting(ari: Ari, channel: str) -> None:
    """Play the waiting sound on a caller's channel. The sound tells the waiting caller that the
    line works. It also keeps the line open, because some trunks end a silent line. Raises
    BackendUnavailableError for the same reasons as `Ari.ask`."""
    ari.ask("POST", f"/channels/{channel}/moh")


def stop_waiting(ari: Ari, channel: str) -> None:
    """End the waiting sound on a caller's channel. Raises BackendUnavailableError for the same
    reasons as `Ari.ask`."""
    ari.ask("DELETE", f"/channels/{channel}/moh")
