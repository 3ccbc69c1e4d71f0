"""Pins tests/oracles/acro.tsv with acro: verdicts of an implementation that shares nothing with runtime/filter.

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install acro==1.0.2
    /tmp/oracle/bin/python tests/oracles/acro.py > tests/oracles/acro.tsv

1,000 random tables of counts, sums and means under acro's own checks, at the thresholds of PRIVACY.md section 6: k = 10,
the two largest 90 %, p 10 %. A row is one cell:

    table  statistic  values (separated by commas, empty for an empty cell)  threshold  nk  ppercent

where the last three are 1 if acro's check of that name says that the cell may need suppressing, 0 if not, and `-` if
that check is not among those that acro runs for the statistic, or is not defined (`review`: negative values).
"""

import random
import sys
from pathlib import Path

# This file has the name of the package that it imports.
sys.path = [entry for entry in sys.path if Path(entry).resolve() != Path(__file__).resolve().parent]

import pandas as pd
from acro.sdcchecks import SDCChecks
from acro.tablemodeldetails import TableModelDetails

RISK = {
    "safe_threshold": 10,
    "safe_dof_threshold": 10,
    "safe_nk_n": 2,
    "safe_nk_k": 0.90,
    "safe_pratio_p": 0.10,
    "check_missing_values": False,
    "survival_safe_threshold": 10,
    "zeros_are_disclosive": True,
    "safe_round_base": 5,
}
ANALYSIS = {"count": "FrequencyTable", "sum": "Sum", "mean": "Mean"}
CHECKS = ["MinimumThresholdCheck", "NKCheck", "PPercentCheck"]


def cell(rng, shape):
    n = rng.choice([0, 1, 2, 3, 8, 9, 10, 11, 12, 15, 20, 40])
    values = [rng.randrange(1, 50) for _ in range(n)]
    if shape == "skewed" and n > 1:
        for at in range(rng.randrange(1, 3)):
            values[at] = rng.choice([100, 500, 900, 1000, 2000, 5000])
    if shape == "edge" and n > 2:
        # Around 90 % exactly, and around a p-ratio of exactly 10 %.
        rest = rng.choice([8, 9, 10, 11, 12]) * 10
        values = [rng.choice([450, 900, 1000])] * 2 + split(rng, rest, n - 2)
    if shape == "zero":
        values = [0] * n
    if shape == "negative":
        values = [v if rng.random() < 0.7 else -v for v in values]
    return values


def split(rng, total, parts):
    cuts = sorted(rng.randrange(total + 1) for _ in range(parts - 1))
    return [b - a for a, b in zip([0] + cuts, cuts + [total])]


def verdicts(statistic, table):
    rows, columns, values = [], [], []
    for (row, column), cell_values in table.items():
        rows += [row] * len(cell_values)
        columns += [column] * len(cell_values)
        values += cell_values
    levels = lambda names: pd.CategoricalDtype(sorted(names))
    index = pd.Series(rows, dtype=levels({r for r, _ in table}), name="row")
    column = pd.Series(columns, dtype=levels({c for _, c in table}), name="column")
    dependent = pd.Series(values, dtype="int64", name="value")
    aggregated = None if statistic == "count" else statistic
    kwargs = {"values": None if aggregated is None else dependent, "rownames": None, "colnames": None,
              "aggfunc": aggregated, "margins": False, "margins_name": "All", "dropna": False, "normalize": False}
    model = TableModelDetails(index=[index], columns=[column], values=kwargs["values"], thekwargs=kwargs,
                              risk_appetite=RISK, command="crosstab")
    checks = SDCChecks(RISK)
    evidence = checks.get_evidence_forall_analyses([ANALYSIS[statistic]], model)
    return checks.run_checks_for_analysis(ANALYSIS[statistic], evidence, model)


def said(result, check, key, negative):
    if check not in result.outcomes or (negative and check != "MinimumThresholdCheck"):
        return "-"
    mask = result.outcomes[check]
    at = mask.at[key[0], key[1]] if key[0] in mask.index and key[1] in mask.columns else float("nan")
    # acro's own tidying: what is not there is disclosive (mask_to_boolmask).
    return "1" if pd.isna(at) or bool(at) else "0"


def main():
    rng = random.Random(4)
    print("table\tstatistic\tvalues\tthreshold\tnk\tppercent")
    for number in range(1000):
        statistic = rng.choice(["count", "sum", "mean"])
        shape = rng.choice(["plain", "plain", "skewed", "skewed", "edge", "edge", "zero", "negative"])
        table = {(f"r{r}", f"c{c}"): cell(rng, shape) for r in range(rng.randrange(1, 4)) for c in range(2)}
        if not any(table.values()):
            table[("r0", "c0")] = [1] * 10
        result = verdicts(statistic, table)
        negative = any(v < 0 for values in table.values() for v in values)
        for key, values in table.items():
            marks = [said(result, check, key, negative) for check in CHECKS]
            print(number, statistic, ",".join(map(str, values)), *marks, sep="\t")


if __name__ == "__main__":
    main()
