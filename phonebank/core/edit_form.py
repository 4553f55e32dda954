"""Forms that edit a stored row. Another person may change the row while somebody is filling in the
form.

The form's hidden field `seen` holds a short digest of each stored value that the form showed. When
the form is submitted, the digests are compared with the stored values, so the form does not
overwrite another person's change without a warning.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

from flask import request
from flask_wtf import FlaskForm
from wtforms import Field, HiddenField
from wtforms.fields.choices import SelectFieldBase

# Characters of a long text that a message quotes.
QUOTED_AT_MOST = 80
# The number of hexadecimal digits of a digest. These are enough to tell two values apart, but do
# not protect against forgery.
_DIGITS = 8


class EditForm(FlaskForm):
    """The base of forms that notice another person's changes.

    Pass the stored values as `obj` or `data`, both when the form is shown and when the submitted
    form is read. Before reading a submitted form, lock the row, so that the stored values are
    current. Call `is_overtaken` before you store anything from the form.
    """

    seen = HiddenField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.seen.raw_data is None:  # the form is being shown and was not sent
            self.seen.data = self._digests()

    def is_overtaken(self) -> bool:
        """Whether, since the form was shown, another person has changed a value that this form
        would overwrite.

        If so, each field with such a value gets an error that says to what the value was changed.
        If the sender of the form did not edit such a field, it now shows the other person's value.
        If the sender edited the field, it keeps the edited value, which is stored if the form is
        submitted again.

        For a form without digests, return False.
        """
        shown = dict(part.split(".", 1) for part in (self.seen.data or "").split() if "." in part)
        changed = False
        for field in self._edited():
            stored = _digest(field.object_data)
            if shown.get(field.short_name, stored) == stored or _digest(field.data) == stored:
                continue
            changed = True
            self._say_what_changed(field, shown[field.short_name])
        if changed:
            self.form_errors.append(
                "Someone else saved changes after you opened this page, so yours are not saved "
                "yet. Check what is marked, then save again."
            )
            self.seen.data = self._digests()
        return changed

    def is_as_shown(self, seen: str | None) -> bool:
        """Whether the stored values are still the same as when the page was shown. `seen` is the
        value of the page's hidden field `seen`. True if `seen` is empty or None."""
        return not seen or seen == self._digests()

    def _say_what_changed(self, field: Field, shown: str) -> None:
        change = f"Someone else changed “{field.label.text}” to {_in_words(field)}."
        if _digest(field.data) == shown:
            field.data, field.raw_data = field.object_data, None
            effect = "You had not changed it, so their version is now shown here."
        else:
            effect = "What you entered is still here. Save again to use yours instead."
        field.errors = [*field.errors, f"{change} {effect}"]

    def _digests(self) -> str:
        return " ".join(
            f"{field.short_name}.{_digest(field.object_data)}" for field in self._edited()
        )

    def _edited(self) -> Iterator[Field]:
        return (field for field in self if getattr(field.widget, "input_type", "") != "hidden")


def is_still(current: str) -> bool:
    """For a request to replace a code or link: whether the page that sent the request showed the
    current code or link. This is so if the request's field `seen` equals `current`. Also True if
    the request has no such field.

    So if two people ask for a new link at the same time, only one new link is made, and both people
    are shown that link.
    """
    return request.form.get("seen", current) == current


def _digest(value: Any) -> str:
    return hashlib.sha256(_plain(value).encode()).hexdigest()[:_DIGITS]


def _plain(value: Any) -> str:
    """Return a value as text. A value from the database and the same value from a browser give the
    same text."""
    if value is None or value is False:
        return ""
    if isinstance(value, list | tuple | set):
        return " ".join(sorted(map(str, value)))
    return "\n".join(str(value).split("\r\n")).strip()


def _in_words(field: Field) -> str:
    """Return the field's stored value in the words that the page shows."""
    value = field.object_data
    if isinstance(value, bool):
        return "ticked" if value else "not ticked"
    if not _plain(value):
        return "nothing"
    choices = {}
    if isinstance(field, SelectFieldBase) and field.choices:
        choices = {_plain(choice.value): str(choice.label) for choice in field.iter_choices()}
    values = value if isinstance(value, list | tuple) else [value]
    words = ", ".join(choices.get(_plain(one), _plain(one)) for one in values)
    if len(words) > QUOTED_AT_MOST:
        return f"“{words[:QUOTED_AT_MOST].rstrip()}…” (open the page in another tab to see it all)"
    return f"“{words}”"
