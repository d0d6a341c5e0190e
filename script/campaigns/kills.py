"""SIGKILL at random moments, over all commands that write."""

import collections
import os
import random
import tempfile
import time

from scenarios import Workshop, is_hidden, problems, scenarios, snapshot


def temporary_folder():
    memory = "/dev/shm"
    return tempfile.TemporaryDirectory(prefix="campaign-", dir=memory if os.access(memory, os.W_OK) else None)


def chosen(only):
    found = [scenario for scenario in scenarios() if not only or scenario.name in only]
    if not found:
        raise SystemExit(f"error: no such command; there are {', '.join(scenario.name for scenario in scenarios())}")
    return found


def run(options):
    choices = random.Random(options.seed)
    failures, kills, started = [], collections.Counter(), time.monotonic()
    with temporary_folder() as folder:
        workshop = Workshop(options.program, folder)
        undisturbed = {}
        pool = [scenario for scenario in chosen(options.only) for _ in range(scenario.weight)]
        trial = 0
        while sum(kills.values()) < options.count:
            trial += 1
            # Each trial has a stream of its own, so that the number of kills in one does not change the next.
            stream = random.Random(choices.getrandbits(64))
            scenario = stream.choice(pool)
            if scenario.name not in undisturbed:
                undisturbed[scenario.name] = measure(workshop, scenario)
            before, after, calls, seconds = undisturbed[scenario.name]
            where = workshop.begin(scenario)
            history, found = [], []
            for attempt in range(stream.choice([1, 1, 1, 2, 3])):
                command = scenario.again if attempt else scenario.command
                if stream.random() < 0.75:
                    at, action = stream.randint(1, calls), stream.choice(["kill", "kill-after", "kill-half"])
                    history.append(f"{action} at call {at} of {calls}")
                    code = workshop.run(command, where, at=at, action=action)[0]
                else:
                    moment = stream.uniform(0, seconds)
                    history.append(f"kill after {moment:.3f} s")
                    code = workshop.run(command, where, after=moment)[0]
                # A command that has less left to do may end before its time has come.
                kills[scenario.name] += code == -9
                if code not in (-9, 0) and not is_done_already(scenario, where, after):
                    found.append(f"ended with {code}")
                found += problems(scenario, where, before, after, is_killed=True)
            code, _, errors, _ = workshop.run(scenario.again, where)
            if code != 0 and not is_done_already(scenario, where, after):
                found.append(f"afterwards ends with {code}: {errors[-400:]}")
            found += differences(snapshot(where), after)
            if found:
                failures.append((trial, scenario.name, history, found))
                print(f"trial {trial}, {scenario.name}: {'; '.join(history)}\n  " + "\n  ".join(found), flush=True)
    total = sum(kills.values())
    print(f"{total} kills in {trial} trials, {time.monotonic() - started:.0f} s: {len(failures)} trials ended otherwise than undisturbed")
    print("  " + ", ".join(f"{name} {count}" for name, count in sorted(kills.items())))
    return 1 if failures else 0


def is_done_already(scenario, where, after):
    """Whether a command refuses to run because its output is there, whole: it was killed after its last write."""
    units = scenario.files + scenario.folders + scenario.runs
    now = snapshot(where)
    return "--force" not in scenario.command and all(now.get(unit) == after.get(unit) for unit in units)


def measure(workshop, scenario):
    """The folder before and after an undisturbed command, the number of its calls, and the seconds it takes."""
    where = workshop.begin(scenario, "undisturbed")
    before = snapshot(where)
    started = time.monotonic()
    calls = workshop.done(scenario.command, where)
    seconds = time.monotonic() - started
    after = snapshot(where)
    again = workshop.begin(scenario, "undisturbed")
    workshop.done(scenario.command, again)
    if differences(snapshot(again), after):
        raise SystemExit(f"error: undisturbed, `{scenario.command}` does not give the same twice")
    return before, after, calls, seconds


def differences(now, expected):
    return [
        f"{path} {'differs' if path in now and path in expected else 'is left' if path in now else 'is missing'}"
        for path in sorted(set(now) | set(expected)) if now.get(path) != expected.get(path)]
