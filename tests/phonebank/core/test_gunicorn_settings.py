"""gunicorn's settings, stored where they are quick to read."""

from gunicorn.config import Config  # type: ignore[import-untyped]

from phonebank.core.gunicorn_settings import keep_as_attributes


def test_every_setting_keeps_its_value_and_is_found_without_a_function(monkeypatch):
    settings = Config()
    settings.set("workers", 3)
    settings.set("forwarded_allow_ips", "10.0.0.1")
    before = {name: getattr(settings, name) for name in settings.settings}
    keep_as_attributes(settings)
    monkeypatch.delattr(Config, "__getattr__")
    assert {name: getattr(settings, name) for name in before} == before
    assert (settings.workers, settings.forwarded_allow_ips) == (3, ["10.0.0.1"])
