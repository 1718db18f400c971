#!/usr/bin/env python3
"""Scores how declarations of trade are reconciled, against a set that somebody else has reconciled.

Both are ingested into a directory of their own, and asked for by dataset, so that what is scored is what the
program answers. Declarations such as those of UN Comtrade may not be redistributed: bring your own file.

    benches/mirror/score.py --declared nickel.csv --hs HS17 --material nickel --stage mined

The reconciled set is the reference table of BACI unless --reconciled names another file. For each way to choose
between the reports of importer and exporter, over all importers and years that both have:

  top-1     in how many the largest supplier is the same
  share     mean absolute difference of all shares, in points, over suppliers that either has
  HHI       correlation of the Herfindahl-Hirschman indices

each importer and year weighted equally. Only the Python standard library is needed.
"""

import argparse
import csv
import io
import os
import subprocess
import tempfile
from collections import defaultdict

MIRRORS = ["importer", "exporter", "larger", "mean"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orewatch", default="target/release/orewatch", help="the program")
    parser.add_argument("--declared", required=True, help="file of declarations, such as one of UN Comtrade")
    parser.add_argument("--hs", help="revision of the Harmonized System of the declarations, if they do not say")
    parser.add_argument("--reconciled", help="file of a reconciled set [default: the reference table of BACI]")
    parser.add_argument("--material", required=True)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--by", default="quantity", choices=["quantity", "value"])
    parser.add_argument("--from", dest="first", type=int, default=2018, help="first year")
    parser.add_argument("--until", type=int, default=2024, help="last year")
    return parser.parse_args()


def run(args, directory, *words):
    """The output of a command on the directory."""
    environment = {**os.environ, "OREWATCH_DATA": directory}
    command = [args.orewatch, *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def ingest(args, directory):
    """Ingests both sets. Returns the name of the reconciled dataset."""
    declared = ["ingest", args.declared, "--dataset", "declared", "--vintage", "1", "--kind", "declarations"]
    run(args, directory, *declared, *(["--hs", args.hs] if args.hs else []))
    if args.reconciled is None:
        run(args, directory, "ingest", "--reference")
        return "baci-hs92"
    run(args, directory, "ingest", args.reconciled, "--dataset", "reconciled", "--vintage", "1",
        "--kind", "reconciled")
    return "reconciled"


def figures(args, directory, dataset, mirror):
    """Shares by importer, year and supplier; indices by importer and year. Blocs and the world are left out."""
    words = ["exposure", "--material", args.material, "--stage", args.stage, "--by", args.by,
             "--measure", "import-share,import-hhi", "--as-of", f"{args.first}..{args.until}",
             "--dataset", dataset, "--mirror", mirror, "--format", "csv"]
    shares, indices = defaultdict(dict), {}
    for row in csv.DictReader(io.StringIO(run(args, directory, *words))):
        key = (row["consumer"], row["period"])
        if len(row["consumer"]) != 3 or row["consumer"] == "WLD" or not row["value"]:
            continue
        if row["supplier"]:
            shares[key][row["supplier"]] = float(row["value"])
        else:
            indices[key] = float(row["value"])
    return shares, indices


def mean(numbers, weights):
    total = sum(weights)
    return sum(number * weight for number, weight in zip(numbers, weights)) / total if total else float("nan")


def correlation(a, b, weights):
    mean_a, mean_b = mean(a, weights), mean(b, weights)
    spread = lambda x, mx, y, my: sum(w * (p - mx) * (q - my) for p, q, w in zip(x, y, weights))
    scale = (spread(a, mean_a, a, mean_a) * spread(b, mean_b, b, mean_b)) ** 0.5
    return spread(a, mean_a, b, mean_b) / scale if scale else float("nan")


def score(declared, reconciled):
    """Cases, top-1 agreement, mean error of shares in points, correlation of indices."""
    keys = sorted(key for key in reconciled[1] if key in declared[1] and declared[0].get(key) and reconciled[0].get(key))
    top, errors, ours, theirs = [], [], [], []
    for key in keys:
        own, other = declared[0][key], reconciled[0][key]
        top.append(max(own, key=own.get) == max(other, key=other.get))
        suppliers = set(own) | set(other)
        errors.append(100 * sum(abs(own.get(s, 0) - other.get(s, 0)) for s in suppliers) / len(suppliers))
        ours.append(declared[1][key])
        theirs.append(reconciled[1][key])
    equal = [1.0] * len(keys)
    return len(keys), sum(top), mean(errors, equal), correlation(ours, theirs, equal)


def main():
    args = arguments()
    with tempfile.TemporaryDirectory() as directory:
        dataset = ingest(args, directory)
        reconciled = figures(args, directory, dataset, "importer")
        print(f"{args.material}, {args.stage}, by {args.by}, {args.first} to {args.until}, against {dataset}")
        print(f"{'report':10} {'cases':>6} {'top-1':>12} {'share':>10} {'HHI':>6}")
        for mirror in MIRRORS:
            cases, top, error, index = score(figures(args, directory, "declared", mirror), reconciled)
            share = f"{top} ({100 * top / cases:.0f} %)" if cases else "-"
            print(f"{mirror:10} {cases:6} {share:>12} {error:7.1f} pp {index:6.2f}")


if __name__ == "__main__":
    main()
