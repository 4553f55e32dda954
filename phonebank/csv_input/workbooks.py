"""Turns the list of people in an uploaded workbook into CSV. This CSV is stored and read like any
uploaded CSV file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from typing import BinaryIO

from phonebank.csv_input.dialects import Dialect, InvalidFileError
from phonebank.csv_input.workbook_package import damaged_error, is_package, too_large_error
from phonebank.csv_input.workbook_process import REFUSED, SECONDS

__all__ = ["DIALECT", "is_package", "open_as_csv"]

# How `open_as_csv` writes a list. The dialect of this CSV is not detected, because a list of one
# column may have more semicolons than commas.
DIALECT = Dialect("utf-8", ",")


def open_as_csv(head: bytes, file: BinaryIO) -> BinaryIO:
    """Write the list of people in a workbook to a temporary CSV file, and return the open CSV file.
    The calling code must close it.

    `head` are the bytes already read from `file`. A separate process reads the workbook. Raises
    InvalidFileError if the workbook cannot be used as a list.
    """
    out = tempfile.TemporaryFile()  # noqa: SIM115
    try:
        with tempfile.TemporaryFile() as whole:
            whole.write(head)
            shutil.copyfileobj(file, whole, 1 << 20)
            whole.seek(0)
            _convert(whole, out)
        out.seek(0)
    except BaseException:
        out.close()
        raise
    return out


def _convert(whole: BinaryIO, out: BinaryIO) -> None:
    # The process that reads a stranger's file gets none of the server's secrets.
    environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": os.pathsep.join(sys.path)}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "phonebank.csv_input.workbook_process"],
            stdin=whole,
            stdout=out,
            stderr=subprocess.PIPE,
            env=environment,
            timeout=SECONDS * 2,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise too_large_error() from None
    if done.returncode == REFUSED:
        reason, message = json.loads(done.stderr)
        raise InvalidFileError(reason, message)
    if done.returncode < 0:  # the process reached one of its limits
        raise too_large_error()
    if done.returncode:
        raise damaged_error()
