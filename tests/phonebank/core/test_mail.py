"""Mail to a real mail server, which runs in this process and keeps every message."""

import smtplib
from collections.abc import Iterator
from dataclasses import replace
from email.header import decode_header, make_header

import pytest

from phonebank.app import create_app
from phonebank.core import mail
from phonebank.core.config import PRODUCTION, Config
from tests.mail_server import MailServer, mail_server


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture
def mail_config(config: Config, server: MailServer) -> Config:
    return replace(
        config,
        mail_server="127.0.0.1",
        mail_port=server.port,
        mail_sender="bank@example.org",
    )


def test_a_message_arrives(mail_config: Config, server: MailServer) -> None:
    with create_app(mail_config).app_context():
        mail.send("ada@example.org", "Zoë's link", "Hello Zoë\nhere it is\n")
    heard = server.heard
    # Releases of Python differ in which letters are capitals.
    said = [line.casefold() for line in heard]
    assert any(line.startswith("mail from:<bank@example.org>") for line in said)
    assert "rcpt to:<ada@example.org>" in said
    [subject] = [line for line in heard if line.startswith("Subject: ")]
    assert str(make_header(decode_header(subject))) == "Subject: Zoë's link"
    assert "here it is" in heard


def test_a_refused_message_is_said_and_the_address_not_logged(
    mail_config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    with create_app(mail_config).app_context(), pytest.raises(mail.MailNotSentError) as refused:
        mail.send("refused@example.org", "A link", "…")
    assert "The mail server didn't accept the e-mail." in str(refused.value)
    assert "refused@example.org" not in caplog.text
    assert "SMTPRecipientsRefused" in caplog.text


@pytest.mark.parametrize(
    ("code", "words", "kind"),
    [
        (550, b"5.1.1 no such mailbox", mail.AddressRefusedError),
        (553, b"bad address", mail.AddressRefusedError),
        (450, b"4.2.0 greylisted", mail.MessagePutOffError),
        (450, b"4.1.2 domain not found", mail.MessagePutOffError),
        (530, b"5.7.0 sign in first", mail.MessagePutOffError),
        (554, b"5.7.1 relay access denied", mail.MessagePutOffError),
        (421, b"4.3.2 closing down", mail.MailNotSentError),
    ],
)
def test_an_answer_is_about_the_address_the_message_or_the_server(
    mail_config: Config,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    words: bytes,
    kind: type[mail.MailNotSentError],
) -> None:
    monkeypatch.setattr(smtplib.SMTP, "rcpt", lambda *_: (code, words))
    with create_app(mail_config).app_context(), mail.batch() as batch:
        with pytest.raises(mail.MailNotSentError) as refused:
            batch.send(mail.Message("ada@example.org", "A link", "…"))
        assert type(refused.value) is kind


@pytest.mark.parametrize(
    ("code", "kind"), [(451, mail.MessagePutOffError), (421, mail.MailNotSentError)]
)
def test_a_message_that_is_not_taken_says_nothing_about_others(
    mail_config: Config,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    kind: type[mail.MailNotSentError],
) -> None:
    monkeypatch.setattr(smtplib.SMTP, "data", lambda *_: (code, b"not now"))
    with create_app(mail_config).app_context(), mail.batch() as batch:
        with pytest.raises(mail.MailNotSentError) as refused:
            batch.send(mail.Message("ada@example.org", "A link", "..."))
        assert type(refused.value) is kind


def test_a_refused_address_does_not_stop_the_next_message_of_a_batch(
    mail_config: Config, server: MailServer
) -> None:
    with create_app(mail_config).app_context(), mail.batch() as batch:
        with pytest.raises(mail.AddressRefusedError):
            batch.send(mail.Message("refused@example.org", "A link", "…"))
        batch.send(mail.Message("ada@example.org", "A link", "…"))
    assert len(server.to("ada@example.org")) == 1


@pytest.mark.parametrize("is_rude", [False, True])
@pytest.mark.parametrize(("at_most", "connections"), [(1000, 1), (2, 3), (1, 5)])
def test_a_batch_keeps_its_connection_for_as_long_as_the_server_does(
    mail_config: Config, server: MailServer, at_most: int, connections: int, is_rude: bool
) -> None:
    server.messages_a_connection, server.is_rude = at_most, is_rude
    people = [f"p{number}@example.org" for number in range(5)]
    with create_app(mail_config).app_context(), mail.batch() as batch:
        for to in people:
            batch.send(mail.Message(to, "A reminder", "…"))
    assert [message["To"] for message in server.messages] == people
    assert server.connections == connections


def test_a_server_that_is_away(mail_config: Config, server: MailServer) -> None:
    server.shutdown()
    server.server_close()
    with create_app(mail_config).app_context(), pytest.raises(mail.MailNotSentError):
        mail.send("ada@example.org", "A link", "…")


def test_a_second_line_in_a_subject_is_no_header(mail_config: Config) -> None:
    with create_app(mail_config).app_context(), pytest.raises(ValueError, match="newlines"):
        mail.send("ada@example.org", "A link\nBcc: eve@example.org", "…")


@pytest.mark.parametrize(
    ("server", "port", "at_once", "upgraded"),
    [
        ("mail.example.org", 587, False, True),
        ("mail.example.org", 25, False, True),
        ("mail.example.org", 465, True, False),
        ("127.0.0.1", 1025, False, False),
        ("localhost", 465, True, False),
    ],
)
def test_links_leave_this_machine_encrypted(
    config: Config, server: str, port: int, at_once: bool, upgraded: bool
) -> None:
    app = create_app(replace(config, mail_server=server, mail_port=port))
    with app.app_context():
        connection = app.extensions["mailman"]
        assert (connection.use_ssl, connection.use_tls) == (at_once, upgraded)


def test_a_server_that_offers_no_encryption_gets_no_link(
    mail_config: Config, server: MailServer
) -> None:
    app = create_app(mail_config)
    app.extensions["mailman"].use_tls = True  # as for a server on another machine
    with app.app_context(), mail.batch() as batch:
        for _ in range(2):  # a batch goes on after its first failure
            with pytest.raises(mail.MailNotSentError):
                batch.send(mail.Message("ada@example.org", "A link", "secret"))
    with app.app_context(), pytest.raises(mail.MailNotSentError):
        mail.send("ada@example.org", "A link", "secret")
    assert "secret" not in server.heard


def test_a_public_server_without_mail_starts_with_a_loud_warning(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    public = replace(config, mode=PRODUCTION, base_url="https://phonebank.example.org")
    create_app(public)
    assert "MAIL_SERVER is not set. NOBODY CAN GET A SIGN-IN LINK BY E-MAIL." in caplog.text
    caplog.clear()
    create_app(replace(public, mail_server="mail.example.org"))
    create_app(config)
    assert "MAIL_SERVER" not in caplog.text
