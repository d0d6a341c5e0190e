"""Calls that are interrupted leave no process and no file.

    python test_interruption.py 1000    # so many interrupted calls
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

CALLS = """
import signal, sys, numpy as np, disentangle
signal.signal(signal.SIGINT, signal.SIG_IGN)
random = np.random.default_rng(0)
mean = random.normal(size=(20000, 10)).astype(np.float32)
run = disentangle.load_run(sys.argv[1])
print("ready", flush=True)
for line in sys.stdin:
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        print("begins", flush=True)
        if line.startswith("encode"):
            run.encode()
        else:
            disentangle.decompose(mean, mean * 0 - 2, samples=20000)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        print("completed", flush=True)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        print("interrupted", flush=True)
"""


def children(process):
    """The processes that a process started and that are still there."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == process:
            command = (path.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            found.append(f"{path.parent.name} {fields[0]} {command}")
    return found


def interrupt(count, run):
    """Interrupts calls after up to 1.25 times what they take; the number that were interrupted before they were completed."""
    before = set(os.listdir("/dev/shm"))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, "-c", CALLS, str(run)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout.readline() == "ready\n"
    descriptors = len(os.listdir(f"/proc/{process.pid}/fd"))

    def begin(call):
        process.stdin.write(call + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "begins\n"
        return time.monotonic()

    durations = {}
    for call in ("decompose", "encode"):
        start = begin(call)
        assert process.stdout.readline() == "completed\n"
        durations[call] = time.monotonic() - start
    interrupted = 0
    for index in range(count):
        call = "encode" if index % 2 else "decompose"
        begin(call)
        time.sleep(durations[call] * (index * 7919 % 1000) / 800)
        process.send_signal(signal.SIGINT)
        answer = process.stdout.readline()
        assert answer in ("interrupted\n", "completed\n"), answer
        left = children(process.pid)
        assert not left, left
        interrupted += answer == "interrupted\n"
    assert len(os.listdir(f"/proc/{process.pid}/fd")) == descriptors
    process.stdin.close()
    assert process.wait() == 0
    assert set(os.listdir("/dev/shm")) <= before
    return interrupted


def test_interrupted_calls_leave_nothing(trained):
    assert interrupt(20, trained) > 5


def test_no_room_for_results(trained, tmp_path):
    """A full folder of results is the program's own error; a limit on the size of files stands for a full disk."""
    script = (
        "import disentangle, resource, sys; disentangle._process._scratch = lambda: sys.argv[2]; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); "
        "disentangle.load_run(sys.argv[1]).decode([[0, 0, 0]] * 50)")
    result = subprocess.run(
        [sys.executable, "-c", script, str(trained), str(tmp_path)], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert "File too large" in result.stderr and "DisentangleError: decode" in result.stderr, result.stderr
    assert os.listdir(tmp_path) == []


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    print(interrupt(int(sys.argv[1]), sys.argv[2]), "calls were interrupted; no process and no file was left")
