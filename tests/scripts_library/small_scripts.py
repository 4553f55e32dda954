"""Short scripts as YAML, so that a test and its diagnostic fit on one screen."""

SMALL = """\
slug: small
language: en
title: A small script
purpose: To be tested.
provenance: Written for the tests.
licence: CC0-1.0
identification: This is {{ caller_name }}, for {{ on_behalf_of }}.
main_question: support
first_rating: support
yes:
  help: [yes]
steps:
  - id: hello
    kind: say
    title: Hello
    words: |
      Hello {{ first_name or 'there' }}.

      How are you?
    next: support
  - id: support
    kind: question
    title: Support
    words: From zero to ten?
    answer: scale
    branches:
      - scale: 0-3
        goto: goodbye
    next: help
  - id: help
    kind: ask
    title: Help
    words: Will you help?
    answer: choice
    choices:
      - key: yes
        label: "Yes"
        goto: details
      - key: no
        label: "No"
        goto: goodbye
  - id: details
    kind: question
    title: How
    words: How would you help?
    answer: several
    choices:
      - key: phone
        label: Phone
      - key: doors
        label: Doors
    branches:
      - answer: [doors]
        goto: shoes
    next: goodbye
  - id: shoes
    kind: say
    title: Shoes
    words: Bring good shoes.
    next: goodbye
  - id: goodbye
    kind: close
    title: Goodbye
    words: Goodbye.
cards:
  - id: busy
    title: I'm busy
    words: Then I'll ring again.
practice:
  - character: cheerful
    name: Ann
    about: Cheerful.
    replies:
      hello: Hello!
    otherwise: Yes.
"""


def changed(old: str, new: str, text: str = SMALL) -> str:
    """Return SMALL with one piece replaced, which must occur exactly once."""
    assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
    return text.replace(old, new)


def line_of(piece: str, text: str) -> int:
    """Return the line of a piece's first occurrence, counted from 1."""
    return text[: text.index(piece)].count("\n") + 1


def script_with_steps(steps: str, **settings: str) -> str:
    """Return a script with the given `steps`, and as little else as possible."""
    top = {
        "slug": "made",
        "language": "en",
        "title": "Made",
        "purpose": "To be tested.",
        "provenance": "Written for the tests.",
        "licence": "CC0-1.0",
        "identification": "It's {{ caller_name }} for {{ on_behalf_of }}",
        "main_question": "main",
    } | settings
    return "".join(f"{key}: {value}\n" for key, value in top.items()) + "steps:\n" + steps
