#!/usr/bin/env python3
"""The scikit-learn peer of the benchmark `dci`: the same boosted trees, fitted as in disentanglement_lib.

Reads one JSON request and writes one JSON answer per line on standard input and output. `disentangle-benchmarks dci
--peer "python3 script/peer_sklearn.py"` starts it and alternates with it:

    {"work": "hello"}                                       → {"name": "scikit-learn 1.9.1"}
    {"work": "boosting", "file": "codes.h5", "count": 1}    → {"milliseconds": [135000.0]}

The file holds codes [N, D] and factors [N, K]. GradientBoostingClassifier runs on one thread. Needs scikit-learn and
h5py.
"""

import time

import h5py
import numpy
import sklearn
from sklearn.ensemble import GradientBoostingClassifier

from peer import serve


def time_boosting(request):
    with h5py.File(request["file"]) as file:
        codes, factors = file["codes"][:], file["factors"][:]
    for _ in range(request["count"]):
        start = time.perf_counter()
        for factor in factors.T:
            if len(numpy.unique(factor)) > 1:
                GradientBoostingClassifier(random_state=0).fit(codes, factor).feature_importances_
        yield time.perf_counter() - start


def answer(request):
    if request["work"] == "hello":
        return {"name": f"scikit-learn {sklearn.__version__}"}
    if request["work"] != "boosting":
        raise ValueError(f"unknown task {request['work']}")
    return {"milliseconds": [1000 * seconds for seconds in time_boosting(request)]}


if __name__ == "__main__":
    serve(answer)
