"""Looks around and asks as programs on SQLAlchemy with psycopg do, and prints what they are told."""

import json
import sys
from datetime import datetime, timezone

import sqlalchemy as sa


def main(port: str) -> None:
    engine = sa.create_engine(f"postgresql+psycopg://ada@127.0.0.1:{port}/shelf")
    inspector = sa.inspect(engine)
    told = {
        "schemas": sorted(inspector.get_schema_names()),
        "tables": sorted(inspector.get_table_names(schema="live")),
        "views": sorted(inspector.get_view_names(schema="curated")),
        "columns": {
            column["name"]: [str(column["type"]), column["nullable"], column["comment"]]
            for column in inspector.get_columns("shelves", schema="live")
        },
        "primary_key": inspector.get_pk_constraint("shelves", schema="live"),
        "foreign_keys": inspector.get_foreign_keys("shelves", schema="live"),
        "indexes": inspector.get_indexes("shelves", schema="live"),
        "unique": inspector.get_unique_constraints("shelves", schema="live"),
        "checks": inspector.get_check_constraints("shelves", schema="live"),
        "comment": inspector.get_table_comment("shelves", schema="live")["text"],
    }
    shelves = sa.Table("shelves", sa.MetaData(), schema="live", autoload_with=engine)
    told["loaded"] = [column.name for column in shelves.columns]
    with engine.connect() as connection:
        statement = sa.select(shelves.c.sku, shelves.c.price, shelves.c.floor_units)
        row = connection.execute(statement.where(shelves.c.sku == "APPLE")).one()
        told["row"] = [row.sku, str(row.price), row.floor_units]
        bound = sa.text("SELECT count(*) FROM live.shelves WHERE capacity_units > :units")
        told["bound"] = connection.execute(bound, {"units": 10}).scalar_one()
        at = sa.text("SELECT CAST(:at AS TIMESTAMPTZ)")
        then = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)
        told["time"] = connection.execute(at, {"at": then}).scalar_one().isoformat()
    print(json.dumps(told))


main(sys.argv[1])
