"""One changed figure at a time in plain Python: a dict of amounts for every consumer and market. dict_job.py FOLDER COUNT"""
from time import perf_counter

from common import Clock, Tables, arguments, beyond, crossings, figures

folder, count = arguments()
tables = Tables(folder, count)
cells, supplies = {}, {}


def enter(year, exporter, importer, product, tonnes):
    cell = (year, exporter, importer, product)
    more = tonnes - cells.get(cell, 0.0)
    cells[cell] = tonnes
    if more == 0.0:
        return
    for consumer in tables.consumers(importer, exporter):
        key = (year, consumer, tables.market[product])
        supply = supplies.setdefault(key, {})
        supply[exporter] = supply.get(exporter, 0.0) + more
        yield key, supply


for flow in zip(*tables.flows):
    for _ in enter(*flow):
        pass
state = {key: beyond(figures(supply)) for key, supply in supplies.items()}

records, crossed, hhi = 0, 0, 0.0
clock = Clock()
for update in tables.updates:
    started = perf_counter()
    for key, supply in enter(*update):
        figure = figures(supply)
        new = beyond(figure)
        crossed += crossings(state.get(key, (False, False)), new)
        state[key] = new
        records += 1
        hhi += figure[1]
    clock.latencies.append((perf_counter() - started) * 1e6)
clock.stop()
clock.report(count, records, crossed, hhi)
