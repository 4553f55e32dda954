"""What a web process loads when it starts."""

import subprocess
import sys


def test_a_web_process_loads_no_large_library_that_it_may_not_need() -> None:
    """SciPy and Twilio's library would each take a second and tens of megabytes in every process.

    Twilio's backend is loaded where a server is set up for it, and SciPy when somebody opens the
    results of an experiment.
    """
    loaded = "sorted({'scipy', 'numpy', 'twilio'} & set(sys.modules))"
    answer = subprocess.run(
        [sys.executable, "-c", f"import sys, phonebank.app; print({loaded})"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == "[]"
