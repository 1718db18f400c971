"""The aggregation alone, without any log, in DuckDB: csv to quantity, value and concentration per consumer, market and year.

duckdb_job.py CSV TABLES FIGURES.csv: TABLES holds products.csv, economies.csv and members.csv as the catalogue has them.
Prints the seconds it took and the most memory it had, in MiB.
"""
import resource
import sys
import time

import duckdb

csv, tables, figures = sys.argv[1:]
started = time.perf_counter()
con = duckdb.connect()
con.execute("SET preserve_insertion_order=false")
for table in ("products", "economies", "members"):
    con.execute(f"CREATE TABLE {table} AS FROM read_csv('{tables}/{table}.csv', header=true, all_varchar=true)")

con.execute(f"""
CREATE TEMP TABLE base AS
SELECT t, j, material, stage, i, sum(coalesce(q, 0)) AS q, sum(v) AS v, count(*) FILTER (q IS NULL) AS unknown
FROM read_csv('{csv}', header=true, nullstr='NA', delim=',', quote='', escape='',
  columns={{'t': 'INTEGER', 'i': 'INTEGER', 'j': 'INTEGER', 'k': 'INTEGER', 'v': 'DOUBLE', 'q': 'DOUBLE'}}) b
JOIN (SELECT code::INTEGER AS k, material, stage FROM products) USING (k) GROUP BY ALL""")

# For every importer, for blocs without the trade inside, for the world.
con.execute("""
CREATE TEMP TABLE cells AS
WITH named AS (
  SELECT b.*, e.iso3 AS exporter, m.iso3 AS importer FROM base b
  JOIN economies e ON e.number::INTEGER = b.i JOIN economies m ON m.number::INTEGER = b.j)
SELECT t, material, stage, importer AS consumer, exporter, q, v, unknown FROM named
UNION ALL
SELECT n.t, material, stage, m.bloc, exporter, sum(q), sum(v), sum(unknown)
FROM named n JOIN members m ON m.period::INTEGER = n.t AND m.iso3 = n.importer
WHERE NOT EXISTS (FROM members x WHERE x.bloc = m.bloc AND x.period = m.period AND x.iso3 = n.exporter)
GROUP BY ALL
UNION ALL
SELECT t, material, stage, 'WLD', exporter, sum(q), sum(v), sum(unknown) FROM named GROUP BY ALL""")
con.execute(f"""
COPY (
  SELECT t AS period, material, stage, 'quantity' AS weighed, consumer, sum(unknown) AS unknown, sum(q) AS total,
    10000 * sum(q * q) / (sum(q) * sum(q)) AS hhi, max(q) / sum(q) AS top1, list_sum(max(q, 3)) / sum(q) AS top3
  FROM cells GROUP BY ALL HAVING sum(q) > 0
) TO '{figures}' (HEADER)""")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"{time.perf_counter() - started:.6f} {peak:.1f}")
