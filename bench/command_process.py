"""Runs a module of the benchmarks in another process, and sends commands to it. Each command is one
line of JSON, and so is its answer."""

import json
import subprocess
import sys
from typing import IO, Any, Self

from bench.servers import ROOT


class CommandProcess:
    """A process that runs a module, such as "bench.lines", until the end of a `with` block."""

    def __init__(self, module: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, do: str, **more: Any) -> Any:
        """Send a command, wait for its answer, and return the answer. Raises RuntimeError if the
        process ends before it answers."""
        self.send(do, **more)
        return self.answer()

    def send(self, do: str, **more: Any) -> None:
        print(json.dumps({"do": do} | more), file=self._pipe(self.process.stdin), flush=True)

    def answer(self) -> Any:
        line = self._pipe(self.process.stdout).readline()
        if not line:
            raise RuntimeError("a process of the load ended early")
        return json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe
        return pipe
