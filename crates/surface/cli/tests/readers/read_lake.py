"""Reads tables of a lake with three other programs, and prints what each of them counts.

One JSON object a line: program, table, rows, and the sum of each decimal or whole-number column.
"""

import json
import sys

import deltalake
import duckdb
import pyarrow as pa
import pyarrow.compute as pc


def summed(table: pa.Table) -> dict:
    sums = {}
    for name, column in zip(table.column_names, table.columns):
        if pa.types.is_decimal(column.type) or pa.types.is_integer(column.type):
            wide = column.cast(WIDE) if is_key(name) else column
            sums[name] = str(pc.sum(wide).as_py())
    return sums


# Keys use all of a number's width: their sum needs more.
WIDE = pa.decimal128(28, 0)


def is_key(name: str) -> bool:
    return name.endswith("_key")


def asked(names: list[str]) -> str:
    wide = "sum(CAST({} AS DECIMAL(28, 0)))"
    return ", ".join((wide if is_key(name) else "sum({})").format(name) for name in names)


def told(program: str, name: str, rows: int, sums: dict) -> None:
    print(json.dumps({"program": program, "table": name, "rows": rows, "sums": sums}), flush=True)


def check_comments(table: deltalake.DeltaTable, name: str) -> None:
    """The table and each of its columns say to other programs what they are."""
    assert (table.metadata().description or "").endswith("."), name
    for field in table.schema().fields:
        comment = field.metadata.get("comment", "")
        assert comment.endswith("."), f"{name}.{field.name}: {comment}"


def main(root: str, names: list[str]) -> None:
    columns = {}
    for name in names:
        table = deltalake.DeltaTable(f"{root}/{name}")
        check_comments(table, name)
        rows = table.to_pyarrow_table()
        sums = summed(rows)
        columns[name] = list(sums)
        told("deltalake", name, rows.num_rows, sums)
        statement = f"SELECT count(*), {asked(sums)} FROM read_parquet(?, hive_partitioning = true)"
        answer = duckdb.execute(statement, [table.file_uris()]).fetchone()
        told("duckdb", name, answer[0], dict(zip(sums, map(str, answer[1:]))))
    from pysail.spark import SparkConnectServer
    from pyspark.sql import SparkSession

    server = SparkConnectServer()
    server.start()
    _, port = server.listening_address
    spark = SparkSession.builder.remote(f"sc://localhost:{port}").getOrCreate()
    for name in names:
        sums = asked(columns[name])
        answer = spark.sql(f"SELECT count(*), {sums} FROM delta.`{root}/{name}`").collect()[0]
        told("sail", name, answer[0], dict(zip(columns[name], map(str, answer[1:]))))
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
