"""A form field for an e-mail address."""

from typing import Any

from wtforms import EmailField
from wtforms.validators import ValidationError

from phonebank.core.email_address import normalise_email
from phonebank.core.errors import InvalidInputError


class NormalEmailField(EmailField):
    """A field for an e-mail address. After a successful validation, `data` is the address in the
    form that `normalise_email` returns. `if_empty` is the text of the error for an empty field."""

    data: str | None

    def __init__(
        self, label: str, *, if_empty: str = "Type your e-mail address.", **settings: Any
    ) -> None:
        super().__init__(label, **settings)
        self.if_empty = if_empty

    def pre_validate(self, form: Any) -> None:
        if not (self.data or "").strip():
            raise ValidationError(self.if_empty)
        try:
            self.data = normalise_email(self.data or "")
        except InvalidInputError as error:
            raise ValidationError(f"{error.message} {error.what_to_do}") from None
