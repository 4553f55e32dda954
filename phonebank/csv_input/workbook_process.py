"""The process that reads one workbook from standard input, and writes the workbook's list of people
as CSV to standard output. `workbooks` starts this process.

Reading a workbook needs memory for all of its cells, and a hostile workbook needs much more. A
separate process with limits cannot harm other requests, and volunteers' pages do not wait for it.
"""

import io
import json
import resource
import sys
import tempfile
from contextlib import suppress
from typing import BinaryIO

from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from phonebank.csv_input.dialects import InvalidFileError
from phonebank.csv_input.workbook_package import (
    check_package,
    damaged_error,
    password_error,
    too_large_error,
    write_without_errors,
)
from phonebank.csv_input.workbook_sheets import write_list

MEMORY = 2 << 30  # bytes of address space
SECONDS = 120  # of processor time
OUTPUT = 1 << 30  # bytes; also of the copy without errors
REFUSED = 2  # the exit code if standard error has a reason and a message, as JSON


def convert(file: BinaryIO, out: BinaryIO) -> None:
    """Write the list of people in the workbook `file` to `out`, as CSV in UTF-8. Raises
    InvalidFileError if the workbook cannot be read, or if it is not clear which of its cells are
    the list."""
    package = check_package(file)
    text = io.TextIOWrapper(out, "utf-8", newline="")
    try:
        with tempfile.TemporaryFile() as copy:
            if package.has_errors:
                write_without_errors(file, package, copy)
                file = copy
            file.seek(0)
            with CalamineWorkbook.from_filelike(file) as workbook:
                write_list(workbook, package.merged, text)
    except PasswordError:
        raise password_error() from None
    except (CalamineError, OSError, UnicodeError):
        raise damaged_error() from None
    except MemoryError:
        raise too_large_error() from None
    finally:
        text.flush()
        text.detach()


def main() -> None:
    """Set the limits of this process. Then read a workbook from standard input, and write its list
    of people to standard output. If the workbook is refused, write the reason and the message to
    standard error, and exit with the code REFUSED."""
    for limit, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, OUTPUT),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):  # some systems lack one of these limits
            resource.setrlimit(limit, (most, most))
    try:
        convert(sys.stdin.buffer, sys.stdout.buffer)
    except InvalidFileError as refused:
        print(json.dumps([refused.reason, refused.message]), file=sys.stderr)
        sys.exit(REFUSED)


if __name__ == "__main__":
    main()
