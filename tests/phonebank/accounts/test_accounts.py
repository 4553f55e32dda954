"""Accounts: one for each address, and always one organiser."""

import threading

import pytest
from flask import Flask
from sqlalchemy import select

from phonebank.accounts import accounts, roles
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError
from phonebank.models import Account, RoleName
from tests.factories import create_account


def test_two_organisers_who_shut_each_other_out_at_once_leave_one(
    app: Flask, clean_stores: None
) -> None:
    with app.app_context():
        ids = [create_account(RoleName.ORGANISER).id for _ in range(2)]
        db.session.commit()
    both_are_there = threading.Barrier(2)
    refused = []

    def shut(account_id: int) -> None:
        with app.app_context():
            account = db.session.get_one(Account, account_id)
            both_are_there.wait()
            try:
                accounts.deactivate(account)
                db.session.commit()
            except ConflictError:
                refused.append(account_id)

    threads = [threading.Thread(target=shut, args=(account_id,)) for account_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with app.app_context():
        left = list(db.session.scalars(select(Account.id).where(Account.active)))
    assert left == refused
    assert len(left) == 1


def test_one_address_is_one_account_however_it_is_spelled(app_context: Flask) -> None:
    first = accounts.create_account("Cy@Example.ORG", "Cy", [RoleName.HOST])
    assert first.email == "cy@example.org"
    assert accounts.create_account(" cy@example.org", "Other", [RoleName.HOST]) is first
    assert accounts.account_of("CY@EXAMPLE.org ") is first
    assert first.name == "Cy"


def test_an_unknown_role_is_refused(app_context: Flask) -> None:
    with pytest.raises(InvalidInputError, match="There is no role"):
        accounts.create_account("cy@example.org", "Cy", ["king"])
    with pytest.raises(InvalidInputError, match="There is no role"):
        roles.give_role(create_account(RoleName.HOST), "", roles.EVERYWHERE, None)
