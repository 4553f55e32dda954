"""Commands find the servers of `make run`, and only those."""

import stat
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from phonebank.local import env_file

TOLD = {"DATABASE_URL": "postgresql+psycopg://a@/b?host=%2Ftmp%2Fx&port=5432", "SECRET_KEY": "abc"}


def test_a_command_gets_what_was_told(tmp_path: Path) -> None:
    env_file.write(tmp_path, TOLD | {"PATH": "/bin"})
    environment = {"PHONEBANK_VAR": str(tmp_path), "SECRET_KEY": "mine"}
    env_file.load_into(environment)
    assert environment["DATABASE_URL"] == TOLD["DATABASE_URL"]
    assert environment["SECRET_KEY"] == "mine", "what the environment says itself wins"
    assert "PATH" not in environment


def test_a_command_with_a_database_of_its_own_gets_nothing(tmp_path: Path) -> None:
    env_file.write(tmp_path, TOLD)
    own = {"PHONEBANK_VAR": str(tmp_path), "DATABASE_URL": "postgresql://elsewhere/bank"}
    joined = dict(own)
    env_file.load_into(joined)
    assert joined == own


def test_once_it_has_stopped_there_is_nothing_to_get(tmp_path: Path) -> None:
    env_file.write(tmp_path, TOLD)
    env_file.remove(tmp_path)
    environment = {"PHONEBANK_VAR": str(tmp_path)}
    env_file.load_into(environment)
    assert environment == {"PHONEBANK_VAR": str(tmp_path)}


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    (tmp_path / env_file.FILE).write_text("left over\n")
    (tmp_path / env_file.FILE).chmod(0o644)
    env_file.write(tmp_path, TOLD)
    assert stat.S_IMODE((tmp_path / env_file.FILE).stat().st_mode) == 0o600


@given(st.text(alphabet=st.characters(codec="ascii", categories=("L", "N", "P", "S")), min_size=1))
def test_any_password_survives(tmp_path_factory: object, password: str) -> None:
    home = tmp_path_factory.mktemp("var")  # type: ignore[attr-defined]
    env_file.write(home, {"DATABASE_URL": "x", "MAIL_PASSWORD": password})
    environment = {"PHONEBANK_VAR": str(home)}
    env_file.load_into(environment)
    assert environment["MAIL_PASSWORD"] == password
