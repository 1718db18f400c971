"""Reads one listing as csv, xlsx, parquet, arrow and json with five readers, and compares every value.

    compare.py http://HOST:PORT/api/v1/exposures?QUERY

Text is compared as text, numbers by their bits, and what is missing has to be missing in all of them. Ends
with 1, and says where, if two readers differ.
"""

import csv
import io
import json
import struct
import sys
import tempfile
import urllib.request

import duckdb
import openpyxl
import pandas
import polars
import pyarrow
import pyarrow.ipc
import pyarrow.parquet


def fetch(address, ending):
    path, _, query = address.partition("?")
    with urllib.request.urlopen(f"{path}.{ending}?{query}", timeout=240) as answer:
        return answer.read()


def normal(value):
    """A value that can be compared: None, a bool, an int, the bits of a float, or a text."""
    if value is None or value == "" or value == []:
        return None
    if isinstance(value, float):
        if value != value:
            return None
        return struct.pack(">d", value)
    if isinstance(value, bool) or isinstance(value, int) or isinstance(value, str):
        return value
    # numpy
    if hasattr(value, "item"):
        return normal(value.item())
    raise TypeError(f"{value!r} of {type(value)}")


def typed(text, kind):
    """A field of csv as a value of the kind that the column has elsewhere."""
    if text == "":
        return None
    if kind == "double":
        return normal(float(text))
    if kind == "int64":
        return int(text)
    if kind == "bool":
        return text == "true"
    return text


def unguarded(value):
    """A text of csv without the apostrophe that keeps it from being a formula."""
    if isinstance(value, str) and value[:1] == "'" and value[1:2] in ("=", "+", "-", "@"):
        return value[1:]
    return value


def main(address):
    names_of = lambda rows: list(rows[0]) if rows else []
    parquet = fetch(address, "parquet")
    table = pyarrow.parquet.read_table(io.BytesIO(parquet))
    names = table.column_names
    kinds = {field.name: str(field.type) for field in table.schema}
    kinds = {name: "text" if kind in ("string", "large_string") else kind for name, kind in kinds.items()}
    tables = {}

    tables["pyarrow, parquet"] = [[normal(row[name]) for name in names] for row in table.to_pylist()]

    text = fetch(address, "csv").decode("utf-8")
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == names, (rows[0], names)
    tables["csv, csv"] = [
        [unguarded(typed(field, kinds[name])) for name, field in zip(names, row)] for row in rows[1:]
    ]

    texts = {name: "string" for name in names if kinds[name] == "text"}
    frame = pandas.read_csv(io.StringIO(text), dtype=texts, keep_default_na=False, na_values=[""])
    assert list(frame.columns) == names
    tables["pandas, csv"] = [
        [
            None if pandas.isna(value) else as_kind(unguarded(value), kinds[name])
            for name, value in zip(names, row)
        ]
        for row in frame.itertuples(index=False, name=None)
    ]

    schema = {
        name: {"text": polars.String, "double": polars.Float64, "int64": polars.Int64, "bool": polars.Boolean}[kind]
        for name, kind in kinds.items()
    }
    frame = polars.read_csv(io.BytesIO(text.encode()), schema=schema)
    tables["polars, csv"] = [[unguarded(normal(value)) for value in row] for row in frame.rows()]
    frame = polars.read_ipc(io.BytesIO(fetch(address, "arrow")))
    assert frame.columns == names
    tables["polars, arrow"] = [[normal(value) for value in row] for row in frame.rows()]

    with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
        file.write(parquet)
        file.flush()
        found = duckdb.sql(f"select * from read_parquet('{file.name}')")
        assert list(found.columns) == names
        tables["duckdb, parquet"] = [[normal(value) for value in row] for row in found.fetchall()]

    book = openpyxl.load_workbook(io.BytesIO(fetch(address, "xlsx")), read_only=True)
    assert book.sheetnames == ["Rows", "Notes"]
    sheet = [list(row) for row in book["Rows"].iter_rows(values_only=True)]
    assert sheet[0] == names, (sheet[0], names)
    tables["openpyxl, xlsx"] = [
        [as_kind(value, kinds[name]) for name, value in zip(names, row + [None] * (len(names) - len(row)))]
        for row in sheet[1:]
    ]

    rows = json.loads(fetch(address, "json"))
    plain = [name for name in names if all(not isinstance(row[name], (list, dict)) for row in rows)]
    assert not rows or sorted(names_of(rows)) == sorted(names), (names_of(rows), names)
    reference = tables["pyarrow, parquet"]
    for number, (row, other) in enumerate(zip(rows, reference)):
        for name in plain:
            value = as_kind(row[name], kinds[name])
            if value != other[names.index(name)]:
                sys.exit(f"row {number}, {name}: json has {value!r}, parquet {other[names.index(name)]!r}")

    for reader, rows in tables.items():
        if len(rows) != len(reference):
            sys.exit(f"{reader} has {len(rows)} rows, not {len(reference)}")
        for number, (row, other) in enumerate(zip(rows, reference)):
            for name, value, expected in zip(names, row, other):
                if value != expected or type(value) is not type(expected):
                    sys.exit(f"row {number}, {name}: {reader} has {value!r}, parquet {expected!r}")
    print(f"{len(reference)} rows, {len(names)} columns, {len(tables) + 1} readers")


def as_kind(value, kind):
    """A number of a reader that does not tell whole numbers from others, as what it is elsewhere."""
    if value is None or value == "" or value == []:
        return None
    if kind == "double":
        return normal(float(value))
    if kind == "int64":
        return int(value)
    if kind == "bool":
        return bool(value)
    return normal(value)


main(sys.argv[1])
