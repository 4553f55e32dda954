"""The command that writes Asterisk's configuration."""

from pathlib import Path

import click

from phonebank.telephony.asterisk_files import (
    AsteriskSettings,
    write_configuration,
    write_waiting_sound,
)

LEAST_PASSWORD = 32  # characters


@click.command("asterisk-config")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--trunk", required=True, help="The SIP provider's host, or host:port.")
@click.option("--password", envvar="ASTERISK_PASSWORD", required=True, help="Phonebank's own.")
@click.option("--user", envvar="ASTERISK_USER", default="phonebank", show_default=True)
@click.option("--trunk-user", default="", help="If the provider asks for a name and password.")
@click.option("--trunk-password", envvar="TRUNK_PASSWORD", default="")
@click.option("--public-address", default="", help="This machine's address, behind a router.")
@click.option("--stun-server", default="", help="host:port of a STUN server, for browsers.")
@click.option("--http-address", default="127.0.0.1", show_default=True)
@click.option("--http-port", default=8088, show_default=True)
@click.option(
    "--sounds", envvar="ASTERISK_SOUNDS", default=AsteriskSettings.sounds, show_default=True
)
def asterisk_config(folder: Path, **chosen: str | int) -> None:
    """Write the configuration that Asterisk needs for Phonebank into FOLDER, such as /etc/asterisk.

    Existing files with the same names are replaced. A password that is not given as an option comes
    from the environment variable ASTERISK_PASSWORD or TRUNK_PASSWORD.
    """
    settings = AsteriskSettings(etc=str(folder.resolve()), **chosen)  # type: ignore[arg-type]
    if len(settings.password) < LEAST_PASSWORD:
        raise click.ClickException("ASTERISK_PASSWORD is too short: take 32 characters or more.")
    try:
        written = write_configuration(settings, folder)
    except ValueError as fault:
        raise click.ClickException(str(fault)) from None
    sound = write_waiting_sound(Path(settings.sounds))
    for path in (*written, sound):
        click.echo(path)
    message = Path(settings.sounds) / "information-message.wav"
    if not message.exists():
        click.echo(f"Still missing: {message}, which docs/operations.md describes.")


COMMANDS = (asterisk_config,)
