"""Makes personas (invented people for practice calls) for scripts that have no personas of their
own. For example, a script that was started from a blank page has none. The functions are pure.

A persona's reply usually depends on the kind of the step. A persona has a special reply at the
first step, and may have one at a step that asks for a number from 0 to 10. If a persona has no
reply for the kind of a step, the persona gives its reply to a question. No reply depends on the
words of the step, so the replies fit any English script.
"""

from scripts_library.script import Character, CharacterKind, Script, Step

# Kind → name, description, and replies: at the first step, at a scale from 0 to 10, and otherwise
# by the kind of step.
_PEOPLE: dict[CharacterKind, tuple[str, str, dict[str, str]]] = {
    "cheerful": (
        "Bridget",
        "Friendly, and has all the time in the world.",
        {
            "first": "Yes, speaking! Who's that?",
            "say": "Oh, right. Go on, then.",
            "question": "Ooh. Yes, I should think so.",
            "scale": "Ooh. I'd say an eight.",
            "listen": "Well, since you ask: it matters to me more than people think.",
            "story": "I know just what you mean.",
            "ask": "Yes, go on. Put me down for that.",
            "close": "Lovely to talk to you. Bye-bye!",
        },
    ),
    "undecided": (
        "Alex Example",
        "Polite, in two minds, and not used to being asked.",
        {
            "first": "Yes, that's me.",
            "say": "All right. If it's quick.",
            "question": "I don't know. I could go either way.",
            "scale": "I don't know. Five?",
            "listen": "Hard to say. Nobody has asked me before.",
            "story": "I see. I hadn't thought of it like that.",
            "ask": "Maybe. I'd have to think about it.",
            "close": "Thanks. Bye.",
        },
    ),
    "hostile": (
        "Mr Grant",
        "Was just sitting down to eat. Cross, but not a bad man.",
        {
            "first": "Who wants to know?",
            "say": "Not another one. I'm not interested.",
            "question": "That's none of your business. Take me off your list.",
            "scale": "Zero. And take me off your list.",
            "close": "Well. At least you were polite about it.",
        },
    ),
    "wrong person": (
        "A stranger",
        "Has had this number since the spring. Not the person on your list.",
        {
            "first": "There's nobody of that name here, sorry.",
            "question": "I think you've got the wrong number.",
            "close": "No bother. Bye.",
        },
    ),
    "answerphone": (
        "Voicemail",
        "A recorded greeting and a beep. Nobody is there.",
        {
            "first": "We can't come to the phone just now. Please leave a message. Beep.",
            "question": "(silence on the line)",
        },
    ),
}


def stock_personas(script: Script) -> list[Character]:
    """Return one persona of each kind, with a reply at every step.

    The list is empty if the language of the script is not English.
    """
    if script.language != "en":
        return []
    return [
        Character(
            kind=kind,
            name=name,
            about=about,
            replies={
                step.id: _reply(said, step, is_first=place == 0)
                for place, step in enumerate(script.steps)
            },
            otherwise=said["question"],
        )
        for kind, (name, about, said) in _PEOPLE.items()
    ]


def _reply(said: dict[str, str], step: Step, is_first: bool) -> str:
    if is_first:
        return said["first"]
    wanted = "scale" if step.answer == "scale" and "scale" in said else step.kind
    return said.get(wanted, said["question"])
