"""The configuration that `phonebank asterisk-config` writes. Real calls try it: see tests/calls."""

import re
import stat
import wave

from click.testing import CliRunner

from phonebank.cli import main

PASSWORD = "x" * 32


def written(tmp_path, *options, password=PASSWORD):
    arguments = ["asterisk-config", str(tmp_path / "etc"), "--sounds", str(tmp_path / "sounds")]
    environment = {"ASTERISK_PASSWORD": password, "TRUNK_PASSWORD": "of-the-trunk"}
    return CliRunner().invoke(main, [*arguments, *options], env=environment)


def test_the_command_writes_every_file_for_its_owner_alone(tmp_path):
    result = written(
        tmp_path,
        *("--trunk", "sip.example.net:5062", "--trunk-user", "us"),
        *("--public-address", "203.0.113.7", "--stun-server", "stun.example.net:3478"),
    )
    assert result.exit_code == 0, result.output
    files = {path.name: path.read_text() for path in (tmp_path / "etc").iterdir()}
    for name, text in files.items():
        assert "@{" not in text, name
        assert stat.S_IMODE((tmp_path / "etc" / name).stat().st_mode) == 0o640
    assert f"password = {PASSWORD}" in files["ari.conf"]
    pjsip = files["pjsip.conf"]
    assert "contact = sip:sip.example.net:5062" in pjsip
    assert "match = sip.example.net\n" in pjsip
    assert "username = us\npassword = of-the-trunk" in pjsip
    assert "external_media_address = 203.0.113.7" in pjsip
    assert "stunaddr = stun.example.net:3478" in files["rtp.conf"]
    # ARI is for this machine alone, and a browser can dial nothing but its own line.
    assert "bindaddr = 127.0.0.1" in files["http.conf"]
    softphone = files["extensions.conf"].partition("[softphone]")[2].partition("\n[")[0]
    assert re.findall(r"exten => (\S+),1", softphone) == ["line"]
    # No module that writes down calls is loaded.
    assert not re.search(r"load = (cdr|cel)_", files["modules.conf"])
    with wave.open(str(tmp_path / "sounds/waiting/waiting.wav")) as sound:
        assert (sound.getframerate(), sound.getnchannels()) == (8000, 1)
    assert "information-message.wav" in result.output


def test_a_value_that_would_add_a_setting_is_refused(tmp_path):
    for bad in ("sip.example.net\nmatch = 0.0.0.0/0", "a b", "a;b"):
        result = written(tmp_path, "--trunk", bad)
        assert result.exit_code == 1
        assert "trunk" in result.output
    assert "too short" in written(tmp_path, "--trunk", "sip.example.net", password="x").output
