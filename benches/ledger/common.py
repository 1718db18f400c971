"""What the jobs of all peers share: the made tables, the definition of the figures, the report."""
import heapq
import sys
import time

import duckdb

# A line of each kind; a figure that goes over one, or comes back, is a crossing.
HHI_LINE, TOP1_LINE = 0.25, 0.65


def columns(folder, table, names, limit=""):
    """Columns of a made table as lists; an unknown quantity counts as none, for all sides alike."""
    query = f"SELECT {names} FROM read_csv('{folder}/{table}.csv', header=true, nullstr='NA') {limit}"
    found = duckdb.execute(query).fetchnumpy()
    return [column.tolist() for column in found.values()]


class Tables:
    def __init__(self, folder, count):
        self.flows = columns(folder, "flows", "t, i, j, k, coalesce(q::DOUBLE, 0) AS q")
        self.updates = list(zip(*columns(folder, "updates", "t, i, j, k, q::DOUBLE AS q", f"LIMIT {count}")))
        self.market = dict(zip(*columns(folder, "codes", "k, mineral * 3 + stage AS market")))
        members = list(zip(*columns(folder, "economies", "code, g7, eu27, quad")))
        # Blocs have numbers that no economy has.
        self.blocs = {9001 + at: {row[0] for row in members if row[1 + at]} for at in range(3)}
        self.blocs_of = {row[0]: [9001 + at for at in range(3) if row[1 + at]] for row in members}

    def consumers(self, importer, exporter):
        """The importer, and the blocs that it is in and the exporter is not."""
        return [importer, *(bloc for bloc in self.blocs_of[importer] if exporter not in self.blocs[bloc])]


def figures(supply):
    """Total, HHI, largest supplier, top-1 and top-3 share of a dict of amounts by supplier."""
    total = sum(supply.values())
    if total <= 0:
        return 0.0, 0.0, 0, 0.0, 0.0
    top = heapq.nlargest(3, supply.items(), key=lambda item: (item[1], -item[0]))
    hhi = sum(amount * amount for amount in supply.values()) / (total * total)
    return total, hhi, top[0][0], top[0][1] / total, sum(amount for _, amount in top) / total


def beyond(figure):
    return figure[1] >= HHI_LINE, figure[3] >= TOP1_LINE


def crossings(old, new):
    return (old[0] != new[0]) + (old[1] != new[1])


class Clock:
    """Wall and CPU time of a loop, and the latency of each turn in microseconds."""

    def __init__(self):
        self.latencies = []
        self.started = self.ended = self.now()

    def now(self):
        return time.perf_counter(), time.process_time()

    def stop(self):
        self.ended = self.now()

    def report(self, updates, records, crossed, hhi):
        wall, cpu = (end - start for start, end in zip(self.started, self.ended))
        # Without latencies of single updates there are none to report.
        times = sorted(self.latencies) or [float("nan")]
        p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
        print(updates, wall, cpu, p50, p99, times[-1], records, crossed, repr(hhi))


def arguments():
    return sys.argv[1], int(sys.argv[2])
