"""The words that organisers see for the kinds of steps, of answers and of invented people, for
outcomes, and for a script's settings."""

from phonebank.rules.outcomes import OUTCOMES
from scripts_library.script import CharacterKind, StepKind

STEP_KINDS: dict[str, str] = {
    "say": "Say",
    "question": "Question",
    "listen": "Listen",
    "story": "Story",
    "ask": "Ask",
    "close": "Close",
}
_STEP_KIND_HINTS: dict[StepKind, str] = {
    "say": "the caller says this and goes on",
    "question": "the caller asks and notes the answer",
    "listen": "they talk, and the caller notes what matters",
    "story": "the caller tells a story of their own",
    "ask": "for a vote, an hour of time, a promise",
    "close": "the caller says goodbye, and the call ends",
}
# The editor's menu of kinds, such as "Say: the caller says this and goes on".
STEP_KIND_OPTIONS = {kind: f"{STEP_KINDS[kind]}: {hint}" for kind, hint in _STEP_KIND_HINTS.items()}
ANSWER_KINDS: dict[str, str] = {
    "": "None",
    "choice": "One of several answers",
    "several": "Any of several answers",
    "scale": "A number from 0 to 10",
    "text": "Words",
    "number": "Any number",
    "date": "A date",
}
CHARACTERS: dict[CharacterKind, str] = {
    "cheerful": "Cheerful",
    "undecided": "Undecided",
    "hostile": "Hostile",
    "wrong person": "Wrong person",
    "answerphone": "Voicemail",
}
OUTCOME_OPTIONS = [(key, outcome.label) for key, outcome in OUTCOMES.items()]
# A setting's name in diagnostics → its label in the editor.
SETTINGS = {
    "about": "About them",
    "answer": "Kind of answer",
    "character": "Kind of person",
    "choices": "Answers",
    "fields": "Fields",
    "first_rating": "First rating",
    "goto": "Leads to",
    "guidance": "Tip for the caller",
    "identification": "Who is calling",
    "key": "Answer",
    "kind": "Kind of step",
    "label": "Answer",
    "main_question": "What makes a call a conversation",
    "name": "Name",
    "next": "Then go to",
    "outcome": "Saves the call as",
    "otherwise": "At all other steps they say",
    "practice": "For practice calls",
    "purpose": "What it is for",
    "scale": "From and to",
    "second_rating": "Second rating",
    "start": "Where it begins",
    "title": "Title",
    "words": "Words to say",
    "yes": "Counts as a yes",
}
