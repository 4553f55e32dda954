"""What a web process loads when it starts."""

import subprocess
import sys


def test_a_web_process_loads_no_large_library_that_it_may_not_need() -> None:
    """SciPy would take a second and tens of megabytes in every process. Each backend of the
    telephony is loaded only where a server is set up for it."""
    backends = "{name for name in sys.modules if name.endswith('_backend')}"
    loaded = f"sorted({{'scipy', 'numpy'}} & set(sys.modules) | {backends})"
    answer = subprocess.run(
        [sys.executable, "-c", f"import sys, phonebank.app; print({loaded})"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == "[]"
