"""What the peers of the benchmarks share: one JSON request and one JSON answer per line on standard input and output."""

import json
import sys


def serve(answer):
    """Answers every request, with the error where there is one, until standard input ends."""
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever a library prints must not look like an answer
    for line in sys.stdin:
        try:
            reply = answer(json.loads(line))
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps(reply), file=answers, flush=True)
