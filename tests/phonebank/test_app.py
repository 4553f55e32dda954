"""What a web process loads when it starts."""

import subprocess
import sys

LOADED = """
import sys, phonebank.app
ours = {name for name in sys.modules if name.startswith("phonebank.telephony.")}
print(sorted({"scipy", "numpy"} & set(sys.modules) | {n for n in ours if n.endswith("_backend")}))
"""


def test_a_web_process_loads_no_large_library_that_it_may_not_need() -> None:
    """SciPy would take a second and tens of megabytes in every process. Each backend of the
    telephony is loaded only where a server is set up for it."""
    answer = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"
