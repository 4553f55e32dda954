"""The languages that forms offer: their BCP 47 codes and English names.

The languages are those most often spoken at home in England and Wales, Canada, Ireland and the US,
sorted by name. The sources are the censuses of England and Wales (2021), Canada (2021) and Ireland
(2022), and the US Census Bureau (2022).
"""

LANGUAGES = {
    "ar": "Arabic",
    "bn": "Bengali",
    "yue": "Cantonese",
    "hr": "Croatian",
    "en": "English",
    "fr": "French",
    "de": "German",
    "el": "Greek",
    "gu": "Gujarati",
    "ht": "Haitian Creole",
    "hi": "Hindi",
    "ga": "Irish",
    "it": "Italian",
    "ko": "Korean",
    "lt": "Lithuanian",
    "zh": "Mandarin",
    "ne": "Nepali",
    "fa": "Persian",
    "pl": "Polish",
    "pt": "Portuguese",
    "pa": "Punjabi",
    "ro": "Romanian",
    "ru": "Russian",
    "so": "Somali",
    "es": "Spanish",
    "tl": "Tagalog",
    "ta": "Tamil",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "ur": "Urdu",
    "vi": "Vietnamese",
    "cy": "Welsh",
    "yi": "Yiddish",
}
UNKNOWN = "und"  # BCP 47 for an unknown language


def language_name(code: str) -> str:
    """Return the English name of a language.

    An uploaded list of people may contain any language code, so even an unknown code gets a name.
    """
    if code == UNKNOWN:
        return "A language nobody recognised"
    return LANGUAGES.get(code, f"Language “{code}”")
