"""Which addresses a webhook may have."""

import socket

import pytest
from flask import Flask

from phonebank.core.errors import InvalidInputError
from phonebank.webhooks.addresses import check_url, is_public


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
        *("0.0.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1%eth0"),
        *("fc00::1", "ff02::1", "::ffff:127.0.0.1", "64:ff9b::10.0.0.1", "2002:7f00:1::"),
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    ],
)
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_accepted(address: str) -> None:
    assert is_public(address)


def test_this_machines_own_public_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phonebank.webhooks.addresses._own_addresses", lambda: {"8.8.8.8"})
    assert not is_public("8.8.8.8")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://crm.example.org/", "https"),
        ("https://localhost/", "public internet"),
        ("https://127.0.0.1/", "public internet"),
        ("https://2130706433/", "public internet"),
        ("https://[::1]:8443/", "public internet"),
        ("https://0x7f.1/", "public internet"),
        ("https://ada:secret@crm.example.org/", "web address"),
        ("https://crm.example.org\r\nX: y/", "web address"),
        ("https://crm.example.org:99999/", "web address"),
        ("https:///nothing", "web address"),
        ("ftp://crm.example.org/", "https"),
        ("https://nobody.invalid/", "find a machine"),
    ],
)
def test_an_address_that_cannot_be_a_webhooks_is_refused_with_the_reason(
    app_context: Flask, url: str, why: str
) -> None:
    with pytest.raises(InvalidInputError, match=why):
        check_url(url)


def test_one_private_address_among_several_is_enough_to_refuse(
    app_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [(2, 1, 6, "", (address, 443)) for address in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(InvalidInputError, match="public internet"):
        check_url("https://crm.example.org/")


def test_our_own_name_is_refused(app_context: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phonebank.webhooks.addresses.is_public", lambda _: True)
    with pytest.raises(InvalidInputError, match="public internet"):
        check_url("https://LOCALHOST./")
