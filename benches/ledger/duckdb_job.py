"""One changed figure at a time in DuckDB: an upsert, then a query for every consumer. duckdb_job.py FOLDER COUNT"""
from time import perf_counter

import duckdb

from common import HHI_LINE, TOP1_LINE, Clock, Tables, arguments, beyond, crossings

folder, count = arguments()
tables = Tables(folder, count)
con = duckdb.connect()
con.execute("SET threads = 1")
con.execute("CREATE TABLE bloc (number INTEGER, member INTEGER)")
con.executemany("INSERT INTO bloc VALUES (?, ?)", [(b, m) for b, members in tables.blocs.items() for m in members])
con.execute(f"""
CREATE TABLE flows AS
SELECT t, mineral * 3 + stage AS market, i, j, k, coalesce(q, 0) AS q
FROM read_csv('{folder}/flows.csv', header=true, nullstr='NA',
  columns={{'t': 'INTEGER', 'i': 'INTEGER', 'j': 'INTEGER', 'k': 'INTEGER', 'v': 'DOUBLE', 'q': 'DOUBLE'}}) AS listed
JOIN read_csv('{folder}/codes.csv', header=true) AS codes USING (k) ORDER BY t, market, j, i""")
con.execute("ALTER TABLE flows ADD PRIMARY KEY (t, i, j, k)")
con.execute("CREATE INDEX by_importer ON flows (t, j, market)")

UPSERT = """INSERT INTO flows VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (t, i, j, k) DO UPDATE SET q = excluded.q WHERE q <> excluded.q"""
FIGURES = """coalesce(sum(q), 0), coalesce(sum(q * q) / nullif(sum(q) * sum(q), 0), 0), arg_max(i, (q, -i)),
  coalesce(max(q) / nullif(sum(q), 0), 0), coalesce(list_sum(max(q, 3)) / nullif(sum(q), 0), 0)"""
SUPPLY = "SELECT i, sum(q) AS q FROM flows WHERE t = $t AND market = $m AND"
ECONOMY = f"WITH supply AS ({SUPPLY} j = $c GROUP BY i) SELECT {FIGURES} FROM supply"
BLOC = f"""WITH members AS (SELECT member FROM bloc WHERE number = $c),
supply AS ({SUPPLY} j IN (FROM members) AND i NOT IN (FROM members) GROUP BY i) SELECT {FIGURES} FROM supply"""

state = {}
for year, market, consumer, hhi_beyond, top1_beyond in con.execute(f"""
WITH consumer AS (
  SELECT t, market, j AS c, i, q FROM flows UNION ALL
  SELECT t, market, number, i, q FROM flows JOIN bloc b ON member = j
  WHERE NOT EXISTS (FROM bloc x WHERE x.number = b.number AND x.member = i)),
supply AS (SELECT t, market, c, i, sum(q) AS q FROM consumer GROUP BY ALL)
SELECT t, market, c, coalesce(sum(q * q) / nullif(sum(q) * sum(q), 0), 0) >= {HHI_LINE},
  coalesce(max(q) / nullif(sum(q), 0), 0) >= {TOP1_LINE} FROM supply GROUP BY ALL""").fetchall():
    state[year, consumer, market] = hhi_beyond, top1_beyond

records, crossed, hhi = 0, 0, 0.0
clock = Clock()
for year, exporter, importer, product, tonnes in tables.updates:
    started = perf_counter()
    market = tables.market[product]
    (written,) = con.execute(UPSERT, [year, market, exporter, importer, product, tonnes]).fetchone()
    for consumer in tables.consumers(importer, exporter) if written else []:
        query = BLOC if consumer > 9000 else ECONOMY
        figure = con.execute(query, {"t": year, "m": market, "c": consumer}).fetchone()
        new = beyond(figure)
        crossed += crossings(state.get((year, consumer, market), (False, False)), new)
        state[year, consumer, market] = new
        records += 1
        hhi += figure[1]
    clock.latencies.append((perf_counter() - started) * 1e6)
clock.stop()
clock.report(count, records, crossed, hhi)
