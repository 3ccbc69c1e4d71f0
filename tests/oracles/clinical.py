"""Clinical tables and what of them is admitted, by pandas and pyarrow (pandas 3.1.1, pyarrow 26.0.1).

    python clinical.py FOLDER

writes `table.csv` and the same table as Parquet in several codecs and types, and `NAME.json` beside each: for every
patient the admitted cells of the rules below, read back from that very file by pandas. The test in
runtime/imaging/tests/imaging/clinical.rs has the same rules and must give the same cells.
"""

import json
import random
import sys
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 300
SEX = {"male": "M", "female": "F", "Male": "M"}
STAGES = ["I", "II", "III", "IV"]


def table(draw):
    day = date(2020, 1, 1)
    rows = []
    for number in range(ROWS):
        diagnosed = day + timedelta(days=draw.randrange(1500))
        seen = diagnosed + timedelta(days=draw.randrange(-200, 3000))
        rows.append({
            "Subject": f"s{number:04}",
            "Age": draw.choice([draw.randrange(-5, 140), 999, None]),
            "Gender": draw.choice(["male", "female", "Male", "F", "M", "f", "unknown", "", None]),
            "Size": draw.choice([round(draw.uniform(-5, 60), 3), 1e300, None]),
            "Stage": draw.choice([*STAGES, "V", "NA", None]),
            "Diagnosed": draw.choice([diagnosed, diagnosed, diagnosed, None]),
            "Seen": draw.choice([seen, seen, None]),
        })
    return pd.DataFrame(rows)


def text(cell):
    return "" if pd.isna(cell) else str(cell).strip()


def number(cell):
    try:
        return float(text(cell))
    except ValueError:
        return None


def day(cell):
    return pd.Timestamp(text(cell)).date() if text(cell) else None


def admitted(row):
    age, size, index, seen = number(row["Age"]), number(row["Size"]), day(row["Diagnosed"]), day(row["Seen"])
    sex, stage = SEX.get(text(row["Gender"]), text(row["Gender"])), text(row["Stage"])
    days = (seen - index).days if seen is not None and index is not None else None
    return {
        "age_years": int(age) if age is not None and age.is_integer() and age != 999 and 0 <= age <= 120 else None,
        "sex": sex if sex in ("F", "M") else None,
        "size_mm": size if size is not None and 0 <= size <= 50 else None,
        "stage": stage if stage in STAGES else None,
        "seen": days if days is not None and -100 <= days <= 2000 else None,
    }


def expect(frame, path):
    cells = {row["Subject"]: admitted(row) for _, row in frame.iterrows()}
    path.with_suffix(".json").write_text(json.dumps(cells))


def main(folder):
    frame = table(random.Random(1))
    folder.mkdir(parents=True, exist_ok=True)
    csv = folder / "table.csv"
    frame.to_csv(csv, index=False)
    expect(pd.read_csv(csv, dtype=str, keep_default_na=False), csv)

    texts = {name: pa.string() for name in ("Subject", "Gender", "Stage")}
    days = {"Diagnosed": pa.date32(), "Seen": pa.date32()}
    dictionary = {"Gender": pa.dictionary(pa.int32(), pa.string()), "Stage": pa.large_string()}
    stamps = {"Diagnosed": pa.timestamp("ns"), "Seen": pa.timestamp("us", tz="UTC")}
    kinds = {
        "plain": ("none", {**texts, **days, "Age": pa.int64(), "Size": pa.float64()}),
        "snappy": ("snappy", {**texts, **dictionary, **stamps, "Age": pa.float64(), "Size": pa.float32()}),
        "gzip": ("gzip", {**texts, **days, "Age": pa.int16(), "Size": pa.decimal128(10, 3)}),
        "zstd": ("zstd", {**texts, **stamps, "Seen": pa.timestamp("ms"), "Age": pa.uint32(), "Size": pa.float64()}),
    }
    for name, (codec, types) in kinds.items():
        mine = frame.copy()
        if pa.types.is_decimal(types["Size"]):
            mine["Size"] = [None if x != x or x > 1e6 else f"{x:.3f}" for x in mine["Size"]]
            column = pa.array(mine["Size"], pa.string()).cast(types["Size"])
        else:
            column = pa.array(mine["Size"], pa.float64(), from_pandas=True).cast(types["Size"], safe=False)
        ages = [None if x != x or (x < 0 and pa.types.is_unsigned_integer(types["Age"])) else int(x) for x in mine["Age"]]
        columns = {
            **{key: pa.array(mine[key], pa.string(), from_pandas=True).cast(types[key]) for key in texts},
            "Age": pa.array(ages, pa.int64()).cast(types["Age"]),
            "Size": column,
            **{key: pa.array(mine[key], pa.date32(), from_pandas=True).cast(types[key]) for key in days},
        }
        path = folder / f"{name}.parquet"
        # Small pages and groups, so that a column is read across their borders.
        pq.write_table(pa.table(columns), path, compression=codec, row_group_size=70, data_page_size=256)
        expect(pd.read_parquet(path, dtype_backend="pyarrow"), path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
