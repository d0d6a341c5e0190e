"""The protocol of the benchmarks' peers: one JSON request and one JSON answer per line on standard input and output."""

import json
import sys


def serve(answer):
    """Answers every request, with an error message if it fails, until standard input ends."""
    answers, sys.stdout = sys.stdout, sys.stderr  # output of libraries must not be read as an answer
    for line in sys.stdin:
        try:
            reply = answer(json.loads(line))
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps(reply), file=answers, flush=True)
