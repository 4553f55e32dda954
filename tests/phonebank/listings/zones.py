"""Forty time zones: clocks that change in spring or in autumn, by one hour or by half an hour, and
not at all; offsets of a quarter of an hour; both sides of the date line."""

ZONES = (
    "Europe/London", "Europe/Dublin", "Europe/Lisbon", "Europe/Berlin", "Europe/Athens",
    "Europe/Moscow", "Europe/Istanbul", "Atlantic/Azores", "Atlantic/Reykjavik", "America/New_York",
    "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Phoenix",
    "America/Anchorage", "America/Adak", "Pacific/Honolulu", "America/St_Johns", "America/Halifax",
    "America/Regina", "America/Vancouver", "America/Havana", "America/Santiago",
    "America/Sao_Paulo", "America/Nuuk", "Africa/Casablanca", "Africa/Cairo", "Africa/Lagos",
    "Asia/Beirut", "Asia/Jerusalem", "Asia/Tehran", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Tokyo",
    "Australia/Sydney", "Australia/Adelaide", "Australia/Lord_Howe", "Pacific/Auckland",
    "Pacific/Chatham", "Pacific/Apia",
)  # fmt: skip
