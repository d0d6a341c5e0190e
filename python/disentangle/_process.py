"""Runs the program in a process of its own and passes it arrays.

Arrays travel in anonymous memory (`memfd_create`), so that nothing is left behind, whatever ends. The process is started and
awaited in a thread of its own: `KeyboardInterrupt` arises in the main thread only, which then has the process ended.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Callable

import numpy as np

Array = np.ndarray[Any, Any]
Progress = Callable[[int, int, str], None]
_HERE = Path(__file__).resolve().parent


class DisentangleError(RuntimeError):
    """What the program says when it cannot do what it was asked to, or how it ended."""


def program() -> str:
    """The path of the program: `DISENTANGLE_PROGRAM`, that of this package, or the one on `PATH`."""
    packaged = _HERE / "bin" / "disentangle"
    found = os.environ.get("DISENTANGLE_PROGRAM") or (str(packaged) if packaged.exists() else shutil.which("disentangle"))
    if not found or not os.path.isfile(found) or _is_command_of_this_package(found):
        raise DisentangleError("the program disentangle is missing: install a wheel that holds it, or set DISENTANGLE_PROGRAM")
    return found


def _is_command_of_this_package(path: str) -> bool:
    """The command on PATH may be that of a package without the program, which would start itself."""
    with open(path, "rb") as file:
        return b"python" in file.read(200)


def environment() -> dict[str, str]:
    """The environment of the program: figures use the font of this package unless there is another configuration."""
    fonts = _HERE / "fonts" / "fonts.conf"
    return {**({"FONTCONFIG_FILE": str(fonts)} if fonts.exists() else {}), **os.environ}


class _Memory:
    """Arrays as an NPZ file in anonymous memory."""

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self.descriptor = os.memfd_create("arrays.npz")
        try:
            with os.fdopen(self.descriptor, "wb", closefd=False) as file:
                np.savez(file, **dict(arrays))  # type: ignore[arg-type]
        except BaseException:
            os.close(self.descriptor)
            raise


class _Job(threading.Thread):
    """One call of the program."""

    def __init__(
        self, arguments: Sequence[str], arrays: Mapping[str, Array] | None, title: str, output: bool, progress: Progress | None,
    ) -> None:
        super().__init__(name="disentangle", daemon=True)
        self.arguments, self.arrays, self.title, self.output, self.progress = arguments, arrays, title, output, progress
        self.lock = threading.Lock()
        # Not join(), which forgets the thread when it is interrupted before Python 3.13 (bpo-45274).
        self.done = threading.Event()
        self.process: subprocess.Popen[str] | None = None
        self.is_cancelled = False
        self.error: BaseException | None = None
        self.text = ""
        self.results: dict[str, Array] = {}
        self.messages: list[str] = []

    def cancel(self) -> None:
        with self.lock:
            self.is_cancelled = True
            if self.process is not None:
                self.process.kill()

    def run(self) -> None:
        memory: _Memory | None = None
        folder: tempfile.TemporaryDirectory[str] | None = None
        try:
            memory = _Memory(self.arrays) if self.arrays is not None else None
            folder = tempfile.TemporaryDirectory(prefix="disentangle-", dir=_scratch()) if self.output else None
            self.work(memory.descriptor if memory else None, folder.name if folder else None)
        except BaseException as error:  # It is raised again in the caller's thread.
            self.error = error
        finally:
            if memory:
                os.close(memory.descriptor)
            if folder:
                folder.cleanup()
            self.done.set()

    def work(self, descriptor: int | None, folder: str | None) -> None:
        source = "" if descriptor is None else f"/proc/self/fd/{descriptor}"
        result = os.path.join(folder, "output.npz") if folder else ""
        words = [{"{arrays}": source, "{output}": result}.get(word, word) for word in self.arguments]
        with self.lock:
            if self.is_cancelled:
                return
            process = self.process = subprocess.Popen(
                [program(), *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                encoding="utf-8", errors="replace", env=environment(), pass_fds=[] if descriptor is None else [descriptor])
        assert process.stdout and process.stderr
        reader = threading.Thread(target=self.listen, args=(process.stderr,), daemon=True)
        reader.start()
        self.text = process.stdout.read()
        reader.join()
        process.stdout.close()
        process.stderr.close()
        code, message = process.wait(), "\n".join(self.messages).strip()
        if self.is_cancelled:
            return
        for place in filter(None, (source, result)):
            message = message.replace(place, self.title)
        if code < 0:
            name = signal.Signals(-code).name
            raise DisentangleError(f"{self.title}: the program was ended by {name}" + (f": {message}" if message else ""))
        if code:
            message = re.sub(r"^error: ", "", message, flags=re.M)
            raise DisentangleError(message or f"{self.title}: the program ended with code {code}")
        self.messages = [message] if message else []
        if result:
            with np.load(result) as file:
                self.results = {name: file[name] for name in file.files}

    def listen(self, stream: Any) -> None:
        for line in stream:
            stage = re.match(r"\[(\d+)/(\d+)\] (.*)", line)
            if stage and self.progress:
                self.progress(int(stage[1]), int(stage[2]), stage[3])
            elif not stage:
                self.messages.append(line.rstrip("\n"))


def _scratch() -> str | None:
    """Where results that are files are written: memory, where there is such a folder."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def call(
    arguments: Sequence[str], arrays: Mapping[str, Array] | None = None, *, title: str, output: bool = False,
    progress: Progress | None = None,
) -> tuple[str, dict[str, Array]]:
    """Runs the program: `{arrays}` among the arguments stands for the file with the arrays, `{output}` for the one it writes.

    Returns what it prints, and the arrays that it writes. Raises `DisentangleError` with its message. When the call is
    interrupted, the process is ended first.
    """
    job = _Job(arguments, arrays, title, output, progress)
    try:
        job.start()
        job.done.wait()
    except RuntimeError:  # No thread can be started.
        raise
    except BaseException:
        job.cancel()
        job.done.wait()
        raise
    if job.error is not None:
        raise job.error
    for message in job.messages:
        warnings.warn(message, stacklevel=3)
    return job.text, job.results


def options(**values: Any) -> list[str]:
    """Options of a command: `batch_size=64` is `--batch-size 64`; None is left out."""
    pairs = [(f"--{name.replace('_', '-')}", str(value)) for name, value in values.items() if value is not None]
    return [word for pair in pairs for word in pair]


def main() -> None:
    """The command `disentangle`: replaces this process by the program, which finds `configs/…` of this package too."""
    words = [
        str(_HERE / word) if word.startswith("configs/") and not os.path.exists(word) and (_HERE / word).exists() else word
        for word in sys.argv[1:]]
    try:
        path = program()
        os.execve(path, [path, *words], environment())
    except (DisentangleError, OSError) as error:
        sys.exit(f"error: {error}")
