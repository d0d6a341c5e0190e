"""Every call that writes fails once, in one of the ways in which it can, or in each of them."""

import collections
import random
import re
import time

from kills import chosen, differences, measure, temporary_folder
from scenarios import Workshop, problems, snapshot

REASONS = {"ENOSPC": "No space left on device", "EIO": "Input/output error", "EACCES": "Permission denied"}
# How a call can fail; interruptions and short writes are added where a call knows them.
FAILURES = {
    "close": ["EIO"], "fclose": ["EIO"], "fsync": ["EIO", "ENOSPC"], "fdatasync": ["EIO", "ENOSPC"],
    "flock": ["EIO"], "fchmod": ["EIO"], "chmod": ["EIO", "EACCES"], "ftruncate": ["EIO", "ENOSPC"],
    "write": ["EIO", "ENOSPC"], "pwrite": ["EIO", "ENOSPC"], "writev": ["EIO", "ENOSPC"],
}
INTERRUPTIBLE, PARTIAL = 1, 2


def ways(name, ability):
    found = list(FAILURES.get(name.removesuffix("64"), ["EIO", "ENOSPC", "EACCES"]))
    return found + ["EINTR"] * bool(ability & INTERRUPTIBLE) + ["short"] * bool(ability & PARTIAL)


def run(options):
    started, failures, outcomes, calls_of = time.monotonic(), 0, collections.Counter(), {}
    with temporary_folder() as folder:
        workshop = Workshop(options.program, folder)
        faults, undisturbed, choices = [], {}, random.Random(options.seed)
        for scenario in chosen(options.only):
            calls = workshop.calls(scenario.command, workshop.begin(scenario))
            calls_of[scenario.name] = len(calls)
            for call in calls:
                possible = ways(call[1], call[3])
                chosen_ways = possible if options.every_way or options.count else [choices.choice(possible)]
                faults += [(scenario, call, way) for way in chosen_ways]
        if options.count:
            faults = choices.sample(faults, min(options.count, len(faults)))
        for scenario, (number, name, path, _), way in faults:
            if scenario.name not in undisturbed:
                undisturbed[scenario.name] = measure(workshop, scenario)
            found, outcome = trial(workshop, scenario, undisturbed[scenario.name], number, name, path, way)
            outcomes[outcome] += 1
            if found:
                failures += 1
                print(f"{scenario.name}, call {number} ({name} {path.replace(folder, '')}), {way}:\n  " + "\n  ".join(found),
                      flush=True)
    print(f"{len(faults)} faults in {sum(calls_of.values())} calls, {time.monotonic() - started:.0f} s: {failures} with findings")
    print("  outcomes: " + ", ".join(f"{outcome} {count}" for outcome, count in sorted(outcomes.items())))
    print("  calls: " + ", ".join(f"{name} {count}" for name, count in calls_of.items()))
    return 1 if failures else 0


def trial(workshop, scenario, undisturbed, number, name, path, way):
    """One command with one failing call. Returns what is wrong with how it ended, and in one word how it ended."""
    before, after, _, _ = undisturbed
    where = workshop.begin(scenario)
    code, output, errors, _ = workshop.run(scenario.command, where, at=number, action=way)
    found, spared = [], []
    cleaning = name in ("unlink", "rmdir", "unlinkat", "remove")
    if code == 0:
        rest = differences(snapshot(where), after)
        # What is stored for later commands may be left out, if the program says so.
        spared = [line for line in rest if re.fullmatch(r".*posteriors\.h5 is missing", line) and "cannot be stored" in errors]
        found += [line for line in rest if line not in spared and not (cleaning and line.endswith(" is left"))]
        if not rest:
            return [], "succeeded"
        outcome = "warned" if spared else "succeeded"
    elif code == 1 and way not in ("EINTR", "short"):
        outcome = "refused"
        lines = [line for line in errors.splitlines() if line.startswith("error: ")]
        if len(lines) != 1:
            found.append(f"there are {len(lines)} errors: {errors[-300:]}")
        elif REASONS[way] not in lines[0]:
            found.append(f"the error does not say why: {lines[0]}")
        found += problems(scenario, where, before, after, is_killed=cleaning)
    else:
        outcome = "wrong"
        found.append(f"ended with {code}: {errors[-300:]}")
    again, _, errors, _ = workshop.run(scenario.again, where)
    # A command that has nothing left to do does not store them later, nor remove a marker that could not be removed.
    spared += [f"{run}/.disentangle.json is left" for run in scenario.runs if cleaning]
    rest = [line for line in differences(snapshot(where), after) if line not in spared]
    found += [f"after the next run, {line}" for line in rest]
    if again != 0 and not ("already exists" in errors and not rest):
        found.append(f"the next run ends with {again}: {errors[-300:]}")
    return found, outcome
