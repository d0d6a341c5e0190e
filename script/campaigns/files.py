"""Changed files, configurations and command lines for every reader, in processes of their own."""

import glob
import os
import re
import resource
import subprocess
import time

# A reader holds at most this much memory, with room for the code and the threads' stacks.
ADDRESS_SPACE = 32 << 30
# No part takes longer, even on a busy machine: a reader that hangs is a finding.
SECONDS = 3600


def test_program(scratch_path):
    build = ["swift", "build", "-c", "release", "--scratch-path", scratch_path, "--show-bin-path"]
    folder = subprocess.run(build, check=True, capture_output=True, text=True).stdout.strip()
    found = glob.glob(os.path.join(folder, "*.xctest"))
    if not found:
        raise SystemExit("error: the tests are not built: swift build --build-tests -c release")
    return found[0]


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(options):
    program, started = test_program(options.scratch_path), time.monotonic()
    parts = max(1, -(-options.count // options.part))
    totals, failures = {}, 0
    for part in range(parts):
        seed, count = options.seed + part, min(options.part, options.count - part * options.part)
        command = [program, "--testing-library", "swift-testing", "--filter", "Fuzzing"]
        environment = os.environ | {"DISENTANGLE_FUZZ_FILES": str(count), "DISENTANGLE_FUZZ_SEED": str(seed)}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True, errors="replace", preexec_fn=limit_memory)
        try:
            output, _ = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
        for name, number in re.findall(r"^fuzz ([^:\n]+): (\d+) (?:files|lines)", output, re.M):
            totals[name] = totals.get(name, 0) + int(number)
        if process.returncode != 0:
            failures += 1
            left = sorted(glob.glob(f"/dev/shm/fuzz-{process.pid}-*"))
            print(f"seed {seed}, {count} files: ended with {process.returncode}; files being read: {left}")
            print("  repeat: DISENTANGLE_FUZZ_FILES={} DISENTANGLE_FUZZ_SEED={} {}".format(count, seed, " ".join(command)))
            print("  " + "\n  ".join(line for line in output.splitlines() if re.search("✘|rror|atal|slowest", line)), flush=True)
    print(f"{sum(totals.values())} files and texts in {parts} processes, {time.monotonic() - started:.0f} s: "
          f"{failures} processes with findings")
    print("  " + ", ".join(f"{name} {count}" for name, count in sorted(totals.items())))
    return 1 if failures else 0
