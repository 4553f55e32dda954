"""The e-mails to volunteers."""

from phonebank.core import mail


def send_confirmation(email: str, first_name: str, link: str) -> None:
    """E-mail a person the link with which they let the campaign keep their calls. Raises
    mail.MailNotSentError if a mail server is set but does not take the e-mail."""
    mail.deliver(
        email,
        "Keep your calls",
        f"Hello {first_name},\n\n"
        "Open this link, and tap the button to keep your calls under this e-mail address:\n\n"
        f"{link}\n\n"
        "It works once, within a day. You'll see your calls from every phone and every campaign "
        "where you use this address.\n"
        "If you didn't ask for it, ignore this e-mail, and we'll delete this request, with the "
        "address in it, tomorrow.\n",
    )


def send_role(email: str, first_name: str, words: str, link: str, sign_in: str) -> None:
    """Tell a person by e-mail that an organiser asks them for help. `words` says what the person is
    asked to do, `link` opens the person's page, and `sign_in` is the address of the page that sends
    a new link. Raises mail.MailNotSentError if a mail server is set but does not take the
    e-mail."""
    mail.deliver(
        email,
        "We'd like your help",
        f"Hello {first_name},\n\n"
        f"an organiser asks you to {words}. Start here:\n\n{link}\n\n"
        f"The link works once, within a day. After that, get a new one here:\n{sign_in}\n\n"
        "You can stop at any time, on your page. If you don't want this, ignore this e-mail.\n",
    )


def send_sign_in(email: str, first_name: str, link: str) -> None:
    """E-mail the link that opens a volunteer's page on another device. Raises mail.MailNotSentError
    if a mail server is set but does not take the e-mail."""
    mail.deliver(
        email,
        "Your calls",
        f"Hello {first_name},\n\n"
        f"Open this link, and tap the button to open your page:\n\n{link}\n\n"
        "It works once, within a day. If you didn't ask for it, ignore this e-mail.\n",
    )
