"""Answers the statements of a bench with DuckDB, over the files of a lake as they are.

Reads one JSON object: root, tables, statements, runs, threads. Prints one: for each statement how
many rows it has, the sum of all its numbers, and how long each run took, in milliseconds.
"""

import json
import sys
import time
from decimal import Decimal

import deltalake
import duckdb


def main() -> None:
    asked = json.load(sys.stdin)
    database = duckdb.connect()
    database.execute(f"SET threads = {int(asked['threads'])}")
    database.execute("SET TimeZone = 'UTC'")
    database.execute("SET enable_progress_bar = false")
    for name in asked["tables"]:
        schema, _, table = name.partition(".")
        files = deltalake.DeltaTable(f"{asked['root']}/{schema}/{table}").file_uris()
        database.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
        rows = f"read_parquet([{listed}], hive_partitioning = true)"
        database.execute(f"CREATE VIEW {name} AS SELECT * FROM {rows}")
    answers = {}
    for name, statement in asked["statements"]:
        times = []
        for _ in range(asked["runs"] + 1):
            begun = time.perf_counter()
            rows = database.execute(statement).fetchall()
            times.append((time.perf_counter() - begun) * 1000)
        cells = (cell for row in rows for cell in row)
        numbers = sum(float(cell) for cell in cells if isinstance(cell, (int, float, Decimal)))
        answers[name] = {"rows": len(rows), "numbers": numbers, "ms": times[1:]}
    print(json.dumps({"version": duckdb.__version__, "answers": answers}))


main()
