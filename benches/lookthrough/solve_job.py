"""The look-through of every market with scipy's sparse LU or with LAPACK: solve_job.py FOLDER METHOD [MARKETS].

Prints markets, CPU seconds of building and solving all systems, the sum of the HHIs of all economies, 0 to 1 each, and which
BLAS ran with which kernel. METHOD is `splu` (scipy, all columns at once) or `dense` (LAPACK's gesv, the producers' columns only).
"""
import os
import sys
import time

# LAPACK's threads would spin against each other on few cores.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import duckdb
import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu
from threadpoolctl import threadpool_info


def table(folder, name):
    return f"read_csv('{folder}/{name}.csv', header=true, nullstr='NA')"


def load(folder):
    flows = duckdb.execute(f"""
        SELECT t * 90 + mineral * 3 + stage AS market, i, j, sum(coalesce(q::DOUBLE, 0)) AS q
        FROM {table(folder, "flows")} JOIN {table(folder, "codes")} USING (k)
        GROUP BY ALL HAVING sum(coalesce(q::DOUBLE, 0)) > 0 ORDER BY ALL""").fetchnumpy()
    made = duckdb.execute(f"""
        SELECT t * 90 + mineral * 3 + stage AS market, i, p::DOUBLE AS p
        FROM {table(folder, "output")} ORDER BY ALL""").fetchnumpy()
    codes = duckdb.execute(f"SELECT code FROM {table(folder, 'economies')} ORDER BY code").fetchnumpy()["code"]
    return codes, flows, made


def origins(method, count, exporter, importer, tonnes, output):
    """What part of every economy's supply comes from each producer."""
    supply = output + np.bincount(importer, weights=tonnes, minlength=count)
    inverse = np.divide(1.0, supply, out=np.zeros(count), where=supply > 0)
    producers = np.nonzero(output)[0]
    own = np.zeros((count, len(producers)))
    own[producers, np.arange(len(producers))] = (output * inverse)[producers]
    shares = tonnes * inverse[importer]
    if method == "dense":
        system = np.eye(count)
        system[importer, exporter] -= shares
        return np.linalg.solve(system, own)
    places = np.arange(count)
    entries = (np.concatenate([-shares, np.ones(count)]),
               (np.concatenate([importer, places]), np.concatenate([exporter, places])))
    system = sparse.csc_matrix(entries, shape=(count, count))
    return splu(system, permc_spec="COLAMD").solve(own)


def blas(method):
    """The BLAS that a method calls: numpy and scipy bring one each."""
    package = "numpy.libs" if method == "dense" else "scipy.libs"
    of = lambda info: f"{info['internal_api']} {info['version']} {info.get('architecture', '?')}, {info['num_threads']} thread"
    found = [of(info) for info in threadpool_info() if info["user_api"] == "blas" and package in info["filepath"]]
    return found[0] if found else "no BLAS known to threadpoolctl"


def main():
    folder, method = sys.argv[1], sys.argv[2]
    most = int(sys.argv[3]) if len(sys.argv) > 3 else None
    codes, flows, made = load(folder)
    count = len(codes)
    exporter, importer = np.searchsorted(codes, flows["i"]), np.searchsorted(codes, flows["j"])
    producer = np.searchsorted(codes, made["i"])
    markets = np.unique(flows["market"])[:most]
    ends = [np.searchsorted(side["market"], markets, "right") for side in (flows, made)]
    starts = [np.searchsorted(side["market"], markets, "left") for side in (flows, made)]
    hhi, cpu = 0.0, 0.0
    for a, b, c, d in zip(starts[0], ends[0], starts[1], ends[1]):
        begun = time.process_time()
        output = np.zeros(count)
        output[producer[c:d]] = made["p"][c:d]
        mix = origins(method, count, exporter[a:b], importer[a:b], flows["q"][a:b], output)
        cpu += time.process_time() - begun
        hhi += float((mix * mix).sum())
    print(len(markets), cpu, hhi, blas(method))


main()
