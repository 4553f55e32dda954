"""A form field for an e-mail address."""

from typing import Any

from wtforms import EmailField
from wtforms.validators import ValidationError

from phonebank.core.email_address import normalise_email
from phonebank.core.errors import InvalidInputError


class NormalEmailField(EmailField):
    """A field for an e-mail address. Its `data` is the address in the form that `normalise_email`
    returns."""

    data: str | None

    def pre_validate(self, form: Any) -> None:
        try:
            self.data = normalise_email(self.data or "")
        except InvalidInputError as error:
            raise ValidationError(f"{error.message} {error.what_to_do}") from None
