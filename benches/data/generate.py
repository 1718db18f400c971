"""Trade as uneven as the world's, made up: the same bytes for the same number of rows.

generate.py ROWS FOLDER writes five tables:
  flows.csv      t,i,j,k,v,q           year, exporter, importer, product, thousand dollars, tonnes (NA: one in fifty)
  codes.csv      k,mineral,stage       120 products of 30 minerals at 3 stages; the codes are not real ones
  economies.csv  code,g7,eu27,quad     200 economies by their number, with the blocs that they are part of
  output.csv     t,mineral,stage,i,p   tonnes; whoever exports more than it imports produces the difference and a tenth
  updates.csv    t,i,j,k,q             a million figures as they are revised: nine in ten of a flow that is listed

Sizes of economies follow a power law; each product has its own exporters and importers, whose advantage drifts over the
years, and pairs that trade with each other keep doing so. Of all pairs of a product and year the strongest trade.
"""
import os
import sys

import duckdb
import numpy as np

G7 = [842, 124, 826, 276, 251, 380, 392]
EU27 = [40, 56, 100, 191, 196, 203, 208, 233, 246, 251, 276, 300, 348, 372, 380, 428, 440, 442, 470, 528, 616, 620,
        642, 703, 705, 724, 752]
QUAD = [842, 392, 699, 36]
# The fifty largest traders, largest first; all others by number.
LARGEST = [156, 842, 276, 392, 699, 36, 410, 528, 251, 826, 380, 124, 643, 76, 710, 56, 490, 724, 757, 484, 152, 360, 792,
           764, 458, 704, 752, 40, 604, 180, 398, 616, 702, 344, 246, 579, 203, 32, 608, 682, 784, 818, 504, 804, 566,
           288, 894, 404, 834, 508]
OTHERS = [4, 8, 12, 20, 24, 28, 31, 44, 48, 50, 51, 52, 60, 64, 68, 70, 72, 84, 90, 92, 96, 104, 108, 112, 116, 120, 132,
          136, 140, 144, 148, 170, 174, 178, 188, 192, 204, 212, 214, 218, 222, 226, 231, 232, 242, 258, 262, 266, 268,
          270, 275, 292, 296, 304, 308, 320, 324, 328, 332, 340, 352, 364, 368, 376, 384, 388, 400, 408, 414, 417, 418,
          422, 426, 430, 434, 446, 450, 454, 462, 466, 478, 480, 496, 498, 499, 512, 516, 520, 524, 530, 533, 540, 548,
          554, 558, 562, 583, 584, 585, 586, 591, 598, 600, 624, 626, 634, 646, 654, 659, 662, 670, 678, 686, 688, 690,
          694, 706, 716, 728, 729, 740, 748, 760, 762, 768, 776, 780, 788, 795, 798, 800, 807, 854, 858, 860, 862]
YEARS = np.arange(1995, 2024)
MINERALS, STAGES, PRODUCTS, ECONOMIES = 30, 3, 120, 200
UPDATES = 1_000_000


def economies():
    first = LARGEST + [code for code in EU27 if code not in LARGEST]
    return np.array((first + [code for code in OTHERS if code not in first])[:ECONOMIES])


def products():
    """Every mineral at every stage has a product; thirty of them have a second one."""
    two = set(np.random.default_rng(7).choice(MINERALS * STAGES, 30, replace=False).tolist())
    chapter = [26, 28, 81]
    code = lambda mineral, stage: chapter[stage] * 10_000 + (mineral + 1) * 100 + 10
    both = [(mineral, stage) for mineral in range(MINERALS) for stage in range(STAGES)]
    all_ = [(code(m, s), m, s) for m, s in both] + [(code(m, s) + 40, m, s) for m, s in both if m * 3 + s in two]
    return np.array(sorted(all_))


def counts(rows, pairs, random):
    """How many pairs trade each product each year: products differ much, trade grows, no more than seven pairs in ten."""
    growth = np.linspace(0.6, 1.4, len(YEARS))
    weight = growth[:, None] * random.lognormal(0, 0.8, PRODUCTS) * random.lognormal(0, 0.05, (len(YEARS), PRODUCTS))
    most, scale = int(pairs * 0.7), rows / weight.sum()
    for _ in range(200):
        wanted = np.minimum(weight * scale, most)
        scale *= rows / wanted.sum()
    wanted = np.floor(wanted).astype(int)
    left = rows - wanted.sum()
    room = [cell for cell in np.argsort(-weight, axis=None) if wanted.flat[cell] < most]
    for at in range(left):
        wanted.flat[room[at % len(room)]] += 1
    return wanted


def flows(rows, codes, products_):
    count = len(codes)
    exporter, importer = np.divmod(np.arange(count * count), count)
    exporter, importer = exporter[exporter != importer], importer[exporter != importer]
    size = -0.9 * np.log(np.arange(1, count + 1))
    random = np.random.default_rng(20_260_101)
    wanted = counts(rows, exporter.size, random)
    price = random.lognormal(1.0, 1.5, PRODUCTS)
    parts = []
    for product, (code, _, _) in enumerate(products_):
        random = np.random.default_rng([20_260_101, product])
        advantage, demand = random.normal(0, 1.6, count), random.normal(0, 0.8, count)
        affinity = random.gumbel(0, 1.0, exporter.size)
        for at, year in enumerate(YEARS):
            advantage = advantage + random.normal(0, 0.15, count)
            strength = 0.9 * size[exporter] + advantage[exporter] + 0.7 * size[importer] + demand[importer] + affinity
            score = strength + random.gumbel(0, 0.4, exporter.size)
            traded = np.sort(np.argsort(-score, kind="stable")[:wanted[at, product]])
            value = np.clip(np.exp(2.2 + 0.9 * strength[traded] + 1.4 * random.standard_normal(traded.size)), 0.001, 9e7)
            tonnes = np.clip(value / price[product] * np.exp(0.4 * random.standard_normal(traded.size)), 0.001, 9e8)
            tonnes[random.random(traded.size) < 0.02] = np.nan
            parts.append((np.full(traded.size, year), codes[exporter[traded]], codes[importer[traded]],
                          np.full(traded.size, code), np.round(value, 3), np.round(tonnes, 3)))
    columns = [np.concatenate(column) for column in zip(*parts)]
    order = np.lexsort((columns[3], columns[2], columns[1], columns[0]))
    return dict(zip("tijkvq", (column[order] for column in columns)))


def output(flow, codes, products_):
    """Net exporters produce what they export more and a tenth; of the other exporters one in five produces a little."""
    sorted_codes, by = np.sort(codes), np.argsort(codes)
    market = (products_[:, 1] * STAGES + products_[:, 2])[np.searchsorted(products_[:, 0], flow["k"])]
    cell = ((flow["t"] - YEARS[0]) * MINERALS * STAGES + market) * len(codes)
    length = len(YEARS) * MINERALS * STAGES * len(codes)
    tonnes = np.nan_to_num(flow["q"])
    total = lambda side: np.bincount(cell + by[np.searchsorted(sorted_codes, flow[side])], weights=tonnes, minlength=length)
    out, in_ = total("i"), total("j")
    random = np.random.default_rng(99)
    little = np.where((out > 0) & (random.random(length) < 0.2), out * random.uniform(0.05, 0.3, length), 0.0)
    made = np.round(np.where(out > in_, (out - in_) * 1.1 + 0.001, little), 3)
    at = np.nonzero(made)[0]
    market = at // len(codes) % (MINERALS * STAGES)
    return {"t": YEARS[at // (MINERALS * STAGES * len(codes))], "mineral": market // STAGES, "stage": market % STAGES,
            "i": codes[at % len(codes)], "p": made[at]}


def updates(flow, codes):
    """Recent years are revised most."""
    random = np.random.default_rng(4242)
    weight = np.cumsum(np.exp((flow["t"] - YEARS[-1]) / 4.0))
    row = np.searchsorted(weight / weight[-1], random.random(UPDATES))
    listed = random.random(UPDATES) < 0.9
    other = codes[np.minimum((random.pareto(1.0, UPDATES) * 10).astype(int), len(codes) - 1)]
    importer = flow["j"][row]
    exporter = np.where(listed, flow["i"][row], other)
    exporter = np.where(exporter == importer, np.where(importer == 156, 842, 156), exporter)
    tonnes = np.where(np.isnan(flow["q"][row]), 1.0, flow["q"][row]) * np.exp(random.normal(0, 0.6, UPDATES))
    return {"t": flow["t"][row], "i": exporter, "j": importer, "k": flow["k"][row],
            "q": np.round(np.clip(tonnes, 0.001, 9e8), 3)}


def save(folder, name, columns):
    numbers = {key: np.ascontiguousarray(column) for key, column in columns.items()}
    select = ", ".join(f"CASE WHEN {key} IS NULL THEN 'NA' ELSE printf('%.3f', {key}) END AS {key}"
                       if column.dtype.kind == "f" else key for key, column in numbers.items())
    duckdb.execute("SET preserve_insertion_order = true")
    duckdb.execute(f"COPY (SELECT {select} FROM numbers) TO '{folder}/{name}.csv' (HEADER)")


def main():
    rows, folder = int(sys.argv[1]), sys.argv[2]
    os.makedirs(folder, exist_ok=True)
    codes, products_ = economies(), products()
    assert len(set(codes.tolist())) == ECONOMIES and len(products_) == PRODUCTS
    flow = flows(rows, codes, products_)
    save(folder, "codes", dict(zip(("k", "mineral", "stage"), products_.T)))
    member = {name: np.isin(np.sort(codes), bloc).astype(int) for name, bloc in (("g7", G7), ("eu27", EU27), ("quad", QUAD))}
    save(folder, "economies", {"code": np.sort(codes), **member})
    save(folder, "output", output(flow, codes, products_))
    save(folder, "updates", updates(flow, codes))
    save(folder, "flows", flow)


main()
