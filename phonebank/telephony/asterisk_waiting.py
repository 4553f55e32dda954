"""The waiting sound, which a caller hears while nobody is joined to them.

Asterisk plays the sound on the caller's own channel. On the caller's bridge, the sound would need
two more channels for each caller, and most of Asterisk's processor time.
"""

from __future__ import annotations

from phonebank.telephony.asterisk_ari import Ari


def play_waiting(ari: Ari, channel: str) -> None:
    """Play the waiting sound on a caller's channel. The sound shows a caller who is alone that the
    line works. The sound also keeps the line open, because some trunks end a line on which there is
    no sound. Raises BackendUnavailableError if Asterisk does not answer."""
    ari.ask("POST", f"/channels/{channel}/moh")


def stop_waiting(ari: Ari, channel: str) -> None:
    """End the waiting sound on a caller's channel. Raises BackendUnavailableError if Asterisk does
    not answer."""
    ari.ask("DELETE", f"/channels/{channel}/moh")
