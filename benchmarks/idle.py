"""What a `connector run` costs that has nothing to do: web server, worker and sweeper."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .measure import Measure, limit, say
from .shop import ENVIRON, set_up

SETTLE_S = 5
SECONDS = 10


def measure() -> Iterator[Measure]:
    """Percent of one core over 10 s, after 5 s of settling."""
    if not Path("/proc/self/stat").exists():
        say("skipped: idle (it reads /proc, which this system does not have)")
        return
    with tempfile.TemporaryDirectory(prefix="connector-bench-") as folder, _running(Path(folder)) as process:
        time.sleep(SETTLE_S)
        before, started = _cpu_s(process.pid), time.monotonic()
        time.sleep(SECONDS)
        percent = (_cpu_s(process.pid) - before) / (time.monotonic() - started) * 100
        if process.poll() is not None:
            raise RuntimeError(f"`connector run` ended with {process.returncode}")
        memory_mb = _memory_mb(process.pid)
    yield limit("idle run, of one core", [percent], unit="%", at_most=5)
    yield limit("idle run, memory", [memory_mb], unit="MB")


@contextmanager
def _running(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "connector.cli", "--config", str(set_up(folder, port=port)), "run"]
    process = subprocess.Popen(command, env={**os.environ, **ENVIRON}, stderr=subprocess.PIPE)  # noqa: S603  (our own command)
    try:
        _wait_until_up(process, port)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_up(process: subprocess.Popen[bytes], port: int, patience_s: float = 30.0) -> None:
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        if process.poll() is not None:
            said = process.stderr.read().decode(errors="replace") if process.stderr else ""
            raise RuntimeError(f"`connector run` does not start: {said.strip()[-500:]}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"`connector run` did not listen within {patience_s:.0f} s")


def _cpu_s(pid: int) -> float:
    # Fields 14 and 15, counted after the name, which may hold blanks: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def _memory_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024
