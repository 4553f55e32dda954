"""A child process ends with its parent, however early the parent dies."""

import subprocess
import sys

import psutil
import pytest

# A program that starts a child and is killed before the child runs its own program. The child
# prints its process id, and its parent's death comes before or after it has asked the kernel.
PARENT = """
import os, signal, subprocess, sys, time
from phonebank.local.process import die_with_parent

signal.signal(signal.SIGTERM, lambda *_: None)
ask_kernel = die_with_parent(signal.SIGTERM)
mine = os.getpid()

def lose_parent():
    print(os.getpid(), flush=True)
    os.kill(mine, signal.SIGKILL)
    while os.getppid() == mine:
        time.sleep(0.01)

def before_exec():
    for step in {steps}:
        step()

subprocess.Popen(["sleep", "20"], preexec_fn=before_exec)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals a parent's death")
@pytest.mark.parametrize("steps", ["(lose_parent, ask_kernel)", "(ask_kernel, lose_parent)"])
def test_a_child_ends_if_its_parent_dies_before_the_childs_program_starts(steps: str) -> None:
    parent = subprocess.run(
        [sys.executable, "-c", PARENT.format(steps=steps)],
        stdout=subprocess.PIPE,
        text=True,
        timeout=15,
    )
    child = int(parent.stdout)
    try:
        process = psutil.Process(child)
    except psutil.NoSuchProcess:
        return
    _, alive = psutil.wait_procs([process], timeout=5)
    is_alive = [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]
    for left in is_alive:
        left.kill()
    assert is_alive == []
