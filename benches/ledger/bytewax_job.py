"""One changed figure at a time through a Bytewax dataflow, fed in batches of a thousand. bytewax_job.py FOLDER COUNT

A batch of one would measure the scheduler; so there are no latencies of single updates to report.
"""
import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import DynamicSource, StatelessSourcePartition
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main

from common import Clock, Tables, arguments, beyond, crossings, figures

BATCH = 1000
folder, count = arguments()
tables = Tables(folder, count)
clock, waiting, records, crossed, hhi = None, 0, 0, 0, 0.0


class Figures(StatelessSourcePartition):
    """The listed flows, and once they have gone all the way, the updates; the clock runs from the first update on."""

    def __init__(self):
        self.batches = self.all()

    def all(self):
        global clock, waiting
        flows = list(zip(*tables.flows))
        for start in range(0, len(flows), 10 * BATCH):
            batch = [(False, flow) for flow in flows[start:start + 10 * BATCH]]
            waiting += sum(len(by_consumer(item)) for item in batch)
            yield batch
            while waiting:
                yield []
        clock = Clock()
        for start in range(0, count, BATCH):
            yield [(True, update) for update in tables.updates[start:start + BATCH]]

    def next_batch(self):
        return next(self.batches)


class Source(DynamicSource):
    def build(self, step_id, worker_index, worker_count):
        return Figures()


class Tally(StatelessSinkPartition):
    def write_batch(self, items):
        global waiting, records, crossed, hhi
        for _, (is_update, figure, crossing) in items:
            if not is_update:
                waiting -= 1
            elif figure:
                records += 1
                crossed += crossing
                hhi += figure[1]
        if clock:
            clock.stop()


class Sink(DynamicSink):
    def build(self, step_id, worker_index, worker_count):
        return Tally()


def by_consumer(item):
    is_update, (year, exporter, importer, product, tonnes) = item
    market = tables.market[product]
    consumers = tables.consumers(importer, exporter)
    return [(f"{year},{consumer},{market}", (is_update, exporter, importer, product, tonnes)) for consumer in consumers]


def enter(state, item):
    is_update, exporter, importer, product, tonnes = item
    cells, supply, old = state or ({}, {}, None)
    cell = (exporter, importer, product)
    if is_update and cells.get(cell, 0.0) == tonnes:
        return (cells, supply, old), (True, None, 0)
    if is_update and old is None:
        old = beyond(figures(supply))
    supply[exporter] = supply.get(exporter, 0.0) + tonnes - cells.get(cell, 0.0)
    cells[cell] = tonnes
    if not is_update:
        return (cells, supply, None), (False, None, 0)
    figure = figures(supply)
    new = beyond(figure)
    return (cells, supply, new), (True, figure, crossings(old, new))


flow = Dataflow("ledger")
stream = op.input("figures", flow, Source())
stream = op.flat_map("by_consumer", stream, by_consumer)
stream = op.stateful_map("enter", stream, enter)
op.output("tally", stream, Sink())
run_main(flow)
clock.report(count, records, crossed, hhi)
