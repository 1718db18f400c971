"""The same job in DuckDB: csv to a durable table, then concentration per consumer, market and year.

duckdb_job.py CSV TABLES OUT [FIGURES.csv]: TABLES holds products.csv, economies.csv and members.csv as the catalogue has
them; the database is written to OUT. Prints the seconds to the durable rows and to the durable figures.
"""
import sys
import time

import duckdb

csv, tables, out, *figures = sys.argv[1:]
started = time.perf_counter()
con = duckdb.connect(out)
for table in ("products", "economies", "members"):
    con.execute(f"CREATE TABLE {table} AS FROM read_csv('{tables}/{table}.csv', header=true, all_varchar=true)")

# What is not in the catalogue, and a flow from an economy to itself, is left out, as ingestion leaves it out.
con.execute(f"""
CREATE TABLE flows AS
SELECT t.t AS period, p.material, p.stage, e.iso3 AS exporter, i.iso3 AS importer, t.v AS value, t.q AS quantity
FROM read_csv('{csv}', header=true, nullstr='NA',
  columns={{'t': 'INTEGER', 'i': 'VARCHAR', 'j': 'VARCHAR', 'k': 'VARCHAR', 'v': 'DOUBLE', 'q': 'DOUBLE'}}) t
JOIN products p ON p.code = t.k JOIN economies e ON e.number = t.i JOIN economies i ON i.number = t.j
WHERE e.iso3 <> i.iso3""")
con.execute("CHECKPOINT")
durable = time.perf_counter() - started

# By quantity and by value; for every importer, for blocs without the trade inside, for the world.
con.execute("""
CREATE TEMP TABLE pairs AS
SELECT period, material, stage, exporter, importer, w.weighed,
  sum(CASE w.weighed WHEN 'value' THEN value ELSE quantity END) AS amount,
  count(*) FILTER ((CASE w.weighed WHEN 'value' THEN value ELSE quantity END) IS NULL) AS unknown
FROM flows, (VALUES ('quantity'), ('value')) AS w(weighed)
GROUP BY ALL""")
con.execute("""
CREATE TABLE shares AS
WITH supplies AS (
  SELECT period, material, stage, weighed, importer AS consumer, exporter, amount, unknown FROM pairs
  UNION ALL
  SELECT p.period, material, stage, weighed, m.bloc, exporter, sum(amount), sum(unknown)
  FROM pairs p JOIN members m ON m.period::INTEGER = p.period AND m.iso3 = p.importer
  WHERE NOT EXISTS (FROM members x WHERE x.bloc = m.bloc AND x.period = m.period AND x.iso3 = p.exporter)
  GROUP BY ALL
  UNION ALL
  SELECT period, material, stage, weighed, 'WLD', exporter, sum(amount), sum(unknown) FROM pairs GROUP BY ALL
)
SELECT *, amount / sum(amount) OVER market AS share FROM supplies
WINDOW market AS (PARTITION BY period, material, stage, weighed, consumer)""")
con.execute("""
CREATE TABLE figures AS
SELECT period, material, stage, weighed, consumer, sum(unknown) AS unknown, sum(amount) AS total,
  10000 * sum(share * share) AS hhi, max(share) AS top1, list_sum(max(share, 3)) AS top3
FROM shares GROUP BY ALL""")
con.execute("CHECKPOINT")
print(f"{durable:.6f} {time.perf_counter() - started:.6f}")
if figures:
    con.execute(f"COPY (FROM figures WHERE total > 0 ORDER BY ALL) TO '{figures[0]}' (HEADER)")
