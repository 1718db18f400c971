"""Prints scores.csv: forecasts of the reference series, scored with numpy. Needs numpy.

    python crates/foresight/data/scores.py > crates/foresight/data/scores.csv
"""
import csv
import gzip
from pathlib import Path

import numpy as np

TABLE = Path(__file__).with_name("share-series-baci-hs92-202601.csv.gz")
FIRST, LAST, AHEAD = 1995, 2024, 6
LINES = {"china-share": 0.65, "top-share": 0.65, "hhi": 0.4}


def read(figure):
    """One row a series, one column a year."""
    with gzip.open(TABLE, "rt") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    values = np.array([float(row[figure]) for row in rows]).reshape(-1, LAST - FIRST + 1)
    return values[values.mean(axis=1) > 0.03] if figure == "china-share" else values


def slope(values):
    steps = np.arange(values.shape[1]) - (values.shape[1] - 1) / 2
    return (values * steps).sum(axis=1) / (steps**2).sum()


def forecasts(values):
    """Forecasts by model, from the years up to the origin."""
    last, ahead = values[:, -1:], np.arange(1, AHEAD + 1)
    back = min(values.shape[1] - 1, 10)
    level = values[:, 0].copy()
    for year in range(1, values.shape[1]):
        level = 0.6 * values[:, year] + 0.4 * level
    recent = values[:, -8:]
    return {
        "no-change": np.repeat(last, AHEAD, axis=1),
        "shrink": np.repeat(0.7 * last + 0.3 * values[:, -5:].mean(axis=1)[:, None], AHEAD, axis=1),
        "drift": np.clip(last + (last - values[:, -1 - back][:, None]) / back * ahead, 0, 1),
        "theta": np.clip(level[:, None] + 0.5 * slope(values[:, -15:])[:, None] * ahead, 0, 1),
        "straight-line": np.clip(recent.mean(axis=1)[:, None] + slope(recent)[:, None] * (3.5 + ahead), 0, 1),
    }


def crps(samples, observed):
    samples = np.sort(samples, axis=1)
    count = samples.shape[1]
    weights = 2 * np.arange(1, count + 1) - count - 1
    return np.abs(samples - observed[:, None]).mean(axis=1) - (samples * weights).sum(axis=1) / count**2


def scores(values, line, origins):
    """Means by model and years ahead: cases, MAE, CRPS, Brier, coverage of 80 %, share that changed sides."""
    found = {}
    for origin in origins:
        known = values[:, : origin - FIRST + 1]
        for model, ahead_of in forecasts(known).items():
            for ahead in range(1, min(AHEAD, LAST - origin) + 1):
                errors = (known[:, ahead:] - known[:, :-ahead]).ravel()
                points = np.quantile(errors, (np.arange(199) + 0.5) / 199)
                forecast, observed = ahead_of[:, ahead - 1], values[:, origin - FIRST + ahead]
                samples = np.clip(forecast[:, None] + points, 0, 1)
                low, high = np.quantile(samples, [0.1, 0.9], axis=1)
                found.setdefault((model, ahead), []).append([
                    100 * np.abs(forecast - observed),
                    100 * crps(samples, observed),
                    ((samples > line).mean(axis=1) - (observed > line)) ** 2,
                    (low <= observed) & (observed <= high),
                    (observed > line) != (known[:, -1] > line),
                ])
    return {key: [np.concatenate(part) for part in zip(*parts)] for key, parts in found.items()}


def main():
    print("# table: scores")
    print("# publisher: Orewatch")
    print("# title: Scores of forecasts of the reference series, computed in another language")
    print("# licence: etalab-2.0 (the series are derived from BACI, CEPII)")
    print("# where: forecasts at the end of each origin with the errors of no change up to then, by 199 quantiles;")
    print("# where: mae and crps in points, brier and switched at 0.65 (hhi: 0.4); data/scores.py prints this table")
    print("figure,origins,baseline,ahead,cases,mae,crps,brier,coverage80,switched")
    for figure, line in LINES.items():
        values = read(figure)
        for name, origins, wanted in [("2009-2023", range(2009, 2024), range(1, 7)), ("2018", [2018], [6])]:
            for (model, ahead), parts in scores(values, line, origins).items():
                if ahead in wanted:
                    mae, loss, brier, covered, switched = [part.mean() for part in parts]
                    print(f"{figure},{name},{model},{ahead},{len(parts[0])},{mae:.4f},{loss:.4f},{brier:.5f},{covered:.5f},{switched:.5f}")


main()
