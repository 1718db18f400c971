"""Draws of future supply with numpy: numpy_job.py FOLDER FIRST YEARS DRAWS COMMIT COMPLETE LATE LEAST MOST RAMP.

Reads FOLDER/projects.csv. Prints CPU seconds, and the mean supply of all economies in every fourth year. Draws are made in
blocks that fit into the cache of the processor, which is fastest.
"""
import sys
import time

import numpy as np

BLOCK = 250
TODAY = 100.0


def built_within(committed, years, commit, complete):
    """Probability of being completed within 0, 1, 2 and so on years."""
    waiting, building, built = (0.0, 1.0, 0.0) if committed else (1.0, 0.0, 0.0)
    within = [built]
    for _ in range(years):
        begun, done = waiting * commit, building * complete
        waiting, building, built = waiting - begun, building + begun - done, built + done
        within.append(built)
    return np.array(within)


def main():
    folder, numbers = sys.argv[1], [float(number) for number in sys.argv[2:]]
    first, years, draws = (int(number) for number in numbers[:3])
    commit, complete, late, least, most, ramp = numbers[3:]
    table = np.loadtxt(f"{folder}/projects.csv", delimiter=",", skiprows=1)
    economy, capacity, start_from, start_to, committed = table.T
    begun = time.process_time()
    members = np.eye(12)[economy.astype(int)]
    steps = first + np.arange(years)
    cdf = {kind: built_within(kind, years - 1, commit, complete) for kind in (True, False)}
    rng = np.random.default_rng(2026)
    sums = np.zeros(years)
    for block in range(0, draws, BLOCK):
        size = min(BLOCK, draws - block)
        fate, start, length, is_late = rng.random((4, size, len(table)))
        year = np.where(committed == 1, np.searchsorted(cdf[True], fate, "right"), np.searchsorted(cdf[False], fate, "right"))
        delay = np.where(is_late < late, least + (most - least) * length, 0.0)
        announced = start_from + (start_to - start_from) * start + delay
        begin = np.maximum(announced, np.where(year > 0, first + year, -np.inf))
        begin[year >= years] = np.inf
        for place, step in enumerate(steps):
            output = capacity * np.clip((step - begin) / ramp, 0.0, 1.0)
            supply = output @ members + TODAY
            sums[place] += supply.sum()
    cpu = time.process_time() - begun
    print(cpu, *(sums[::4] / draws))


main()
