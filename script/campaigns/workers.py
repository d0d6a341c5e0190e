"""SIGKILL of workers of a study at random moments: no run may be lost, trained to its end twice, or end otherwise."""

import collections
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time

from kills import temporary_folder
from scenarios import CONFIGURATION, write_data

STUDY = """\
name: study
configuration: config.yaml
set: [training.steps=30, training.checkpoint_every=7, training.decompose_every=0, training.tensorboard=false]
variants:
  - {name: beta-vae, set: ["objective={name: beta-vae}"], axes: [{key: objective.beta, values: [1, 4]}]}
  - {name: beta-tcvae, axes: [{key: objective.beta, log_range: {from: 1, to: 100, count: 3}}]}
seeds: {from: 1, count: 2}
exclude: [{objective.name: beta-tcvae, objective.beta: 100, seed: 2}]
measure: {metrics: {preset: fast, metrics: [mig]}}
"""

# What says when, where and how fast, but not what.
VARYING = ("training_seconds", "measuring_seconds", "host", "finished")


def prepare(folder):
    os.makedirs(folder)
    write_data(os.path.join(folder, "data.npz"))
    for name, text in (("config.yaml", CONFIGURATION), ("study.yaml", STUDY)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)


def results(folder):
    """The results of all runs by their digests."""
    found, runs = {}, os.path.join(folder, "study", "runs")
    for digest in os.listdir(runs):
        path = os.path.join(runs, digest, "result.json")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                result = json.load(file)
            found[digest] = {key: value for key, value in result.items() if key not in VARYING}
    return found


def command(options, kind="work"):
    return [os.path.abspath(options.program), "study", kind, "study.yaml", "--output", "study"]


class Worker:
    """A worker of its own process, if wanted in a process namespace and with a mount point of its own."""

    def __init__(self, options, folder, number):
        self.log = tempfile.TemporaryFile(mode="w+")
        line, where = command(options), folder
        if options.namespaces:
            mount = f"{folder}-mount{number}"
            os.makedirs(mount, exist_ok=True)
            script = 'mount --bind "$1" "$2" && cd "$2" && shift 2 && exec "$@"'
            # Others than root are root in a namespace of their own.
            root = [] if os.geteuid() == 0 else ["--map-root-user"]
            line = ["unshare", *root, "--pid", "--mount", "--fork", "--kill-child", "--mount-proc",
                    "sh", "-c", script, "sh", folder, mount, *line]
        self.process = subprocess.Popen(line, cwd=where, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        start_new_session=True)

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def text(self):
        self.log.seek(0)
        return self.log.read()


def run(options):
    choices = random.Random(options.seed)
    findings, kills, studies, started = [], 0, 0, time.monotonic()
    with temporary_folder() as base:
        first = os.path.join(base, "undisturbed")
        prepare(first)
        done = subprocess.run(command(options, "run"), cwd=first, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"error: undisturbed, the study ends with {done.returncode}:\n{done.stdout}{done.stderr}")
        expected, begun = results(first), time.monotonic()
        while kills < options.count or studies == 0:
            studies += 1
            folder = os.path.join(base, f"study{studies}")
            prepare(folder)
            finished, number = collections.Counter(), 0
            workers = []
            while len(results(folder) if os.path.exists(f"{folder}/study/runs") else {}) < len(expected) or workers:
                for worker in [worker for worker in workers if worker.process.poll() is not None]:
                    workers.remove(worker)
                    note(worker, finished, findings, studies)
                complete = os.path.exists(f"{folder}/study/runs") and len(results(folder)) == len(expected)
                while len(workers) < 2 and not complete:
                    number += 1
                    workers.append(Worker(options, folder, number))
                # In namespaces of their own nobody sees at once that a worker is gone, so none is killed.
                if options.namespaces or complete or kills >= options.count:
                    time.sleep(0.05)
                    continue
                time.sleep(choices.uniform(0, 0.6))
                victim = choices.choice(workers)
                if victim.process.poll() is None:
                    victim.kill()
                    kills += 1
                    workers.remove(victim)
                    note(victim, finished, findings, studies, is_killed=True)
            found = results(folder)
            findings += [f"study {studies}: {digest} is otherwise than undisturbed"
                         for digest, result in found.items() if result != expected.get(digest)]
            findings += [f"study {studies}: {digest} is lost" for digest in expected if digest not in found]
            findings += [f"study {studies}: {label} was finished {times} times"
                         for label, times in finished.items() if times > 1]
            left = [name for name in os.listdir(f"{folder}/study/claims") if not name.startswith(".")]
            # The claims of killed workers may be left beside results; nobody else's.
            if left and not kills:
                findings.append(f"study {studies}: claims are left: {left}")
            findings += [f"study {studies}: a run failed: {name}" for name in os.listdir(f"{folder}/study/failures")]
            shutil.rmtree(folder)
    seconds = time.monotonic() - started
    print(f"{kills} kills of workers in {studies} studies of {len(expected)} runs, {seconds:.0f} s, seed {options.seed}: "
          f"{len(findings)} runs lost, finished twice or otherwise than undisturbed")
    for finding in findings:
        print(f"  {finding}")
    return 1 if findings else 0


def note(worker, finished, findings, study, is_killed=False):
    """Counts the runs that a worker says it finished."""
    for line in worker.text().splitlines():
        if line.startswith("[") and "] " in line:
            finished[line.split("] ", 1)[1].rsplit(":", 1)[0].rsplit(":", 1)[0]] += 1
        elif line.startswith(("error", "failed")):
            findings.append(f"study {study}: {line}")
    if not is_killed and worker.process.returncode != 0:
        findings.append(f"study {study}: a worker ended with {worker.process.returncode}: {worker.text()[-400:]}")
