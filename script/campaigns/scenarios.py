"""The commands that write, each with a folder to begin in, and what its files may look like afterwards."""

import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import zipfile
from dataclasses import dataclass, field

HERE = os.path.dirname(os.path.abspath(__file__))
SMALL_REPORT = "--pairwise-samples 20 --audit-batches 2 --audit-batch-size 4 --likelihood-images 2 --likelihood-samples 10"

CONFIGURATION = """\
name: small
seed: 3
dataset: {name: file, path: data.npz}
model: {architecture: burgess, latents: 2}
objective: {name: beta-tcvae}
training:
  {steps: 12, batch_size: 4, checkpoint_every: 3, log_every: 1, decompose_every: 4, tensorboard: true}
report: {samples: 50, distortion_images: 16}
"""

# One objective of each kind, by what it adds to a run's state: an adversary, numbers, parameters of its own with the model's
# likelihood, pairs, labels, a codebook, an encoding of all images.
KINDS = {
    "factor-vae": "{name: factor-vae, discriminator: {layers: 2, width: 8}}",
    "control-vae": "{name: control-vae}",
    "sigma-vae": "{name: sigma-vae, sigma: learned}",
    "ada-gvae": "{name: ada-gvae}",
    "semi-supervised": "{name: semi-supervised, labels: 5, loss: l2-scaled}",
    "qlae": "{name: qlae, values: 3}",
    "cached": "{name: beta-tcvae, estimator: cached, refresh: 5}",
}

STUDY = """\
name: study
configuration: config.yaml
set: [training.steps=2, training.tensorboard=false]
vary: {key: objective.beta, values: [4]}
"""


@dataclass
class Scenario:
    """A command that writes."""

    name: str
    command: str
    # What it writes: files, folders that appear whole, and folders of runs, which grow.
    files: list = field(default_factory=list)
    folders: list = field(default_factory=list)
    runs: list = field(default_factory=list)
    # Folders above these, which the command makes.
    parents: list = field(default_factory=list)
    # Further files of the template to begin with; "old" ones are outputs that the command replaces.
    begins_with: list = field(default_factory=list)
    replaces: dict = field(default_factory=dict)
    # What is added to the command when it is run again: of two files one may be there, which counts as somebody's.
    continued_with: str = ""
    # Share of the kills.
    weight: int = 1


    @property
    def again(self):
        """The command that follows a disturbed one."""
        return f"{self.command} {self.continued_with}".strip()


def scenarios():
    run, codes, weights = "run", "codes.npz", "weights.st"
    posteriors = "run/posteriors.h5"
    return [
        Scenario("train", "train config.yaml --output run --resume", runs=[run], weight=6),
        Scenario("resume", "train config.yaml --output run --resume", runs=[run], replaces={"run": "interrupted"}, weight=6),
        *[Scenario(f"train-{kind}", f"train {kind}.yaml --output run --resume", runs=[run], begins_with=[f"{kind}.yaml"], weight=2)
          for kind in KINDS],
        Scenario("train-on-disk", "train config.yaml --set dataset.memory=0 --output run --resume", runs=[run], weight=2),
        Scenario("convert", "dataset convert data.npz images.h5", files=["images.h5"]),
        Scenario("sweep", "rate-distortion study.yaml -o study", runs=["study/beta-4"],
                 folders=["study/rate-distortion"], parents=["study"], weight=3),
        Scenario("report", f"report run --metrics fast {SMALL_REPORT}", folders=["run/report"], files=[posteriors],
                 begins_with=["run"], replaces={"run/report": "absent"}, weight=3),
        Scenario("report-again", f"report run {SMALL_REPORT}", folders=["run/report"], files=[posteriors],
                 begins_with=["run"], replaces={"run/report": "report-with-notes", posteriors: "absent"}, weight=3),
        Scenario("evaluate", "evaluate run --preset fast --metrics mig,sap,dci --format json -o scores.json",
                 files=["scores.json", posteriors], begins_with=["run"], replaces={posteriors: "absent"}, weight=2),
        Scenario("encode-npz", "encode run -o out.npz --sample", files=["out.npz", posteriors], begins_with=["run"], weight=2),
        Scenario("encode-h5", "encode run -o out.h5 --force", files=["out.h5", posteriors], begins_with=["run"],
                 replaces={"out.h5": "codes.h5"}, weight=2),
        Scenario("import", f"import safetensors {weights} -o imported", runs=["imported"], begins_with=[weights], weight=3),
        Scenario("decode-h5", f"decode run --codes {codes} -o images.h5", files=["images.h5"], begins_with=["run", codes]),
        Scenario("decode-grid", f"decode run --codes {codes} -o grid.png --force", files=["grid.png"],
                 begins_with=["run", codes], replaces={"grid.png": "old.png"}),
        Scenario("decode-folder", f"decode run --codes {codes} -o images", folders=["images"], begins_with=["run", codes]),
        Scenario("sample", "sample run --count 6 -o images.npz", files=["images.npz"], begins_with=["run"]),
        Scenario("score", "score run -o scores.csv --samples 3", files=["scores.csv"], begins_with=["run"]),
        Scenario("decompose", "decompose run --samples 20", files=[posteriors], begins_with=["run"],
                 replaces={posteriors: "absent"}),
        Scenario("compare", f"compare run second -o comparison {SMALL_REPORT}", folders=["comparison"],
                 files=[posteriors, "second/posteriors.h5"], begins_with=["run", "second"],
                 replaces={"second/posteriors.h5": "absent"}, weight=2),
        Scenario("explorer", "export explorer run", files=["run/explorer.html", posteriors], begins_with=["run"]),
        Scenario("notebook", f"export notebook run -o small.ipynb {SMALL_REPORT}", files=["small.ipynb", "small.h5", posteriors],
                 begins_with=["run"], continued_with="--force"),
        Scenario("safetensors", "export safetensors run -o out.st --force", files=["out.st"], begins_with=["run"],
                 replaces={"out.st": weights}),
        Scenario("onnx", "export onnx run -o networks --force", folders=["networks"], begins_with=["run"],
                 replaces={"networks": "networks-of-second"}),
        Scenario("onnx-file", "export onnx run --only decoder -o decoder.onnx", files=["decoder.onnx"], begins_with=["run"]),
    ]


def npy(descr, shape, data):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data


def write_data(path):
    """32 images of 16 x 16 pixels: squares of two sizes at four by four places."""
    count, pixels, factors = 32, bytearray(32 * 256), []
    for n in range(count):
        size, row, column = n // 16, n // 4 % 4, n % 4
        for y in range(4 * row, min(16, 4 * row + 3 + size)):
            for x in range(4 * column, min(16, 4 * column + 3 + size)):
                pixels[n * 256 + y * 16 + x] = 1
        factors += [size, row, column]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("images.npy"), npy("|u1", (count, 16, 16), bytes(pixels)))
        archive.writestr(zipfile.ZipInfo("factors.npy"), npy("<i8", (count, 3), struct.pack("<96q", *factors)))


def of_kind(kind):
    """The configuration with an objective of a kind, and a latent for each factor."""
    likelihood = "gaussian" if kind == "sigma-vae" else "bernoulli"
    text = CONFIGURATION.replace("{name: beta-tcvae}", KINDS[kind])
    return text.replace("latents: 2", f"latents: 3, likelihood: {likelihood}")


class Workshop:
    """Runs the program in copies of a template folder, undisturbed or with one of its calls disturbed."""

    def __init__(self, program, folder):
        self.program, self.folder = os.path.abspath(program), folder
        self.library = os.path.join(folder, "interpose.so")
        compiler = next((name for name in ("cc", "clang", "gcc") if shutil.which(name)), None)
        if not compiler:
            raise SystemExit("error: there is no C compiler (cc, clang or gcc)")
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", self.library, os.path.join(HERE, "interpose.c"), "-ldl"],
                       check=True)
        self.counter, self.log = os.path.join(folder, "counter"), os.path.join(folder, "calls")
        self.template = os.path.join(folder, "template")
        self._make_template()

    # -- running

    def run(self, command, where, at=None, action=None, log=False, after=None):
        """Runs a command of the program. Returns its exit code (negative: a signal), output, errors and number of calls.

        `at` and `action` say which call is disturbed and how; `after` kills it when so many seconds have passed.
        """
        with open(self.counter, "wb") as file:
            file.write(bytes(8))
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("CAMPAIGN_", "OPENBLAS_CORE"))}
        environment |= {"LD_PRELOAD": self.library, "CAMPAIGN_COUNTER": self.counter}
        if at:
            environment |= {"CAMPAIGN_AT": str(at), "CAMPAIGN_ACTION": action}
        if log:
            if os.path.exists(self.log):
                os.remove(self.log)
            environment["CAMPAIGN_LOG"] = self.log
        process = subprocess.Popen([self.program, *command.split(), "--threads", "1"], cwd=where, env=environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            output, errors = process.communicate(timeout=after)
        except subprocess.TimeoutExpired:
            process.kill()
            output, errors = process.communicate()
        with open(self.counter, "rb") as file:
            calls = struct.unpack("<q", file.read())[0]
        return process.returncode, output.decode(errors="replace"), errors.decode(errors="replace"), calls

    def done(self, command, where):
        code, output, errors, calls = self.run(command, where)
        if code != 0:
            raise SystemExit(f"error: undisturbed, `{command}` ends with {code}:\n{errors}")
        return calls

    def calls(self, command, where):
        """The calls of an undisturbed run: (number, name, path, ability)."""
        self.run(command, where, log=True)
        with open(self.log, encoding="utf-8", errors="replace") as file:
            rows = [line.rstrip("\n").split("\t") for line in file]
        return [(int(row[0]), row[1], row[2], int(row[3])) for row in rows]

    # -- folders

    def _make_template(self):
        here = self.template
        os.makedirs(here)
        write_data(os.path.join(here, "data.npz"))
        kinds = [(f"{kind}.yaml", of_kind(kind)) for kind in KINDS]
        for name, text in [("config.yaml", CONFIGURATION), ("study.yaml", STUDY), *kinds]:
            with open(os.path.join(here, name), "w", encoding="utf-8") as file:
                file.write(text)
        path = lambda name: os.path.join(here, name)
        calls = self.calls("train config.yaml --output run", here)
        # A run that was killed after its second checkpoint.
        checkpoints = [number for number, name, where, _ in calls if name == "rename" and ".checkpoint." in where]
        self.run("train config.yaml --output interrupted", here, at=checkpoints[1], action="kill-after")
        if not os.path.exists(path("interrupted/checkpoint.safetensors")):
            raise SystemExit("error: the run to be resumed has no checkpoint")
        self.done("train config.yaml --output second --seed 4", here)
        self.done("encode run -o codes.npz", here)
        self.done("encode second -o codes.h5", here)
        self.done("decode second --codes codes.npz -o old.png", here)
        self.done("export safetensors run -o weights.st", here)
        self.done("export onnx second -o networks-of-second", here)
        shutil.copytree(path("run"), path("copy"))
        self.done(f"report copy --samples 30 {SMALL_REPORT}", here)
        shutil.copytree(path("copy/report"), path("report-with-notes"))
        shutil.rmtree(path("copy"))
        with open(path("report-with-notes/thesis.tex"), "w", encoding="utf-8") as file:
            file.write("written by a person\n")

    def begin(self, scenario, name="work"):
        """A fresh folder in which a command can begin."""
        where = os.path.join(self.folder, name)
        shutil.rmtree(where, ignore_errors=True)
        os.makedirs(where)
        for item in ["data.npz", "config.yaml", "study.yaml", *scenario.begins_with]:
            copy(os.path.join(self.template, item), os.path.join(where, item))
        for output, source in scenario.replaces.items():
            remove(os.path.join(where, output))
            if source != "absent":
                copy(os.path.join(self.template, source), os.path.join(where, output))
        return where


def copy(source, target):
    (shutil.copytree if os.path.isdir(source) else shutil.copy)(source, target)


def remove(path):
    if os.path.isdir(path):
        shutil.rmtree(path)
    elif os.path.exists(path):
        os.remove(path)


# -- contents


def snapshot(where):
    """Everything in a folder: path to digest of the content, without what depends on the clock; "/" for a folder."""
    found = {}
    for folder, folders, files in os.walk(where):
        inner = os.path.relpath(folder, where)
        for name in folders:
            found[os.path.normpath(os.path.join(inner, name))] = "/"
        for name in files:
            with open(os.path.join(folder, name), "rb") as file:
                content = file.read()
            found[os.path.normpath(os.path.join(inner, name))] = hashlib.sha256(timeless(name, content)).hexdigest()
    return found


def timeless(name, content):
    """A file's content without what depends on the clock."""
    if name == "metrics.jsonl":
        return b"\n".join(timeless_row(line) for line in content.split(b"\n"))
    if name == "events.out.tfevents":
        return b"".join(timeless_event(record) for record in records(content))
    if name == "environment.json":
        when = ("date", "command_line", "resumed", "resumed_after_step")
        return json.dumps({key: value for key, value in json.loads(content).items() if key not in when}).encode()
    return content


def timeless_row(line):
    return re.sub(rb',"(seconds|images_per_second)":[-+.e0-9]+', b"", line)


def records(content):
    """The records of a TFRecord file; what is left over at its end is one more."""
    found, start = [], 0
    while len(content) - start >= 16:
        end = start + 16 + struct.unpack_from("<Q", content, start)[0]
        if end > len(content):
            break
        found.append(content[start + 12:end - 4])
        start = end
    return found + ([content[start:]] if start < len(content) else [])


def timeless_event(record):
    record = record[9:] if record[:1] == b"\x09" else record
    return re.sub(rb"(\x0a.(?:seconds|images_per_second)\x15)....", rb"\1", record, flags=re.S)


def is_hidden(path):
    return any(part.startswith(".") and part != ".disentangle.json" for part in path.split("/"))


def under(snapshot, root):
    return {path: digest for path, digest in snapshot.items() if path == root or path.startswith(root + "/")}


def problems(scenario, where, before, undisturbed, is_killed):
    """What is wrong with the state in which a disturbed command left its folder; nothing, if all is old or new."""
    now, found = snapshot(where), []
    # A folder that nothing may replace has its marker until the disk has confirmed it; the next run removes it.
    markers = [path for path in now if path.endswith("/.disentangle.json") and path not in before and path not in undisturbed]
    hidden = [path for path in now if is_hidden(path)]
    if hidden and not is_killed:
        found.append(f"hidden files are left: {hidden}")
    hidden += markers
    seen = {path: digest for path, digest in now.items() if path not in hidden}
    explained = set(hidden) | set(scenario.parents)
    for unit in scenario.files + scenario.folders:
        state = under(seen, unit)
        explained |= set(under(now, unit)) | set(under(before, unit)) | set(under(undisturbed, unit))
        if state not in (under(before, unit), under(undisturbed, unit)):
            found.append(f"{unit} is neither the old one nor the new one")
    for run in scenario.runs:
        explained |= set(under(now, run)) | set(under(before, run)) | set(under(undisturbed, run))
        found += problems_of_run(run, where, under(seen, run), under(undisturbed, run))
    for path in sorted(set(seen) | set(before)):
        if path not in explained and seen.get(path) != before.get(path):
            found.append(f"{path} was {'changed' if path in seen and path in before else 'added' if path in seen else 'removed'}")
    return found


def problems_of_run(run, where, state, undisturbed):
    """A run's folder grows: each file is absent, whole, or, for the logs, a beginning of the undisturbed one."""
    if not state:
        return []
    found = []
    if state.get(f"{run}/config.yaml") != undisturbed[f"{run}/config.yaml"]:
        found.append(f"{run} has no configuration, or another one")
    report = under(state, f"{run}/report")
    if report and report != under(undisturbed, f"{run}/report"):
        found.append(f"{run}/report is neither absent nor whole")
    for path, digest in state.items():
        name, file = os.path.basename(path), os.path.join(where, path)
        if path in report or path == run:
            continue
        if path not in undisturbed:
            if name != "checkpoint.safetensors":
                found.append(f"{path} is not part of a run")
        elif name == "checkpoint.safetensors":
            with open(file, "rb") as opened:
                content = opened.read()
            header = json.loads(content[8:8 + struct.unpack("<Q", content[:8])[0]])
            tensors = [value for key, value in header.items() if key != "__metadata__"]
            end = 8 + struct.unpack("<Q", content[:8])[0] + max(value["data_offsets"][1] for value in tensors)
            if end != len(content):
                found.append(f"{path} is torn")
        elif name in ("metrics.jsonl", "events.out.tfevents"):
            # Rows that were logged after the checkpoint are there until the run is resumed; at most the last is torn.
            pass
        elif digest != undisturbed[path]:
            found.append(f"{path} is not that of the undisturbed run")
    return found
