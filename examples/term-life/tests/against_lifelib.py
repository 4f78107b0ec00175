"""Term life against lifelib's BasicTerm_M: its own tables and 5,000 of its model points.

    pip install lifelib modelx numpy openpyxl pandas
    cargo build --release --package term-life --bin term-squall
    against_lifelib.py target/release/term-squall

prints the largest difference of a present value of one policy, and fails if it is more than two millionths: each of ours is rounded
to one, and the net cash flow is of four.
"""

import csv
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

try:
    import lifelib
    import modelx
    import openpyxl  # noqa: F401
    import pandas  # noqa: F401
except ImportError as error:
    sys.exit(print(f"skipped: {error}; pip install lifelib modelx numpy openpyxl pandas"))

# Each point is a product of its own, and there may be a thousand.
N_JOBS, N_POINTS = 5, 1_000
MOST = 2e-6
FIGURES = {
    "premiums": "PV Premiums",
    "claims": "PV Claims",
    "expenses": "PV Expenses",
    "commissions": "PV Commissions",
    "net_cash_flow": "PV Net Cashflow",
}


def write(path, header, rows):
    with open(path, "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def ours(squall, folder, projection, points):
    """Present values by point, from a job with lifelib's tables."""
    columns = ["id", "product", "age_at_entry", "policy_term", "policy_count", "sum_assured"]
    rows = ((idx, f"p{idx}", it.age_at_entry, it.policy_term, 1, it.sum_assured) for idx, it in points.iterrows())
    write(folder / "points.csv", columns, rows)
    durations = [str(year) for year in range(6)]
    rates = ((age, *(float(row[year]) for year in durations)) for age, row in projection.mort_table.iterrows())
    write(folder / "mortality.csv", ["age", *durations], rates)
    spot = ((year, float(rate)) for year, rate in projection.disc_rate_ann.items() if year < 100)
    write(folder / "curve.csv", ["year", "rate"], spot)
    names = {name: f"{name}.csv" for name in ("points", "mortality", "curve")}
    (folder / "job.json").write_text(json.dumps({"workload": "term-life", "input": names}))
    subprocess.run([squall, "run", folder / "job.json", "--quiet", "--csv", folder / "rows.csv"], check=True, stdout=subprocess.DEVNULL)
    with open(folder / "rows.csv", newline="") as file:
        return {row["product"]: row for row in csv.DictReader(file)}


def main():
    squall = Path(sys.argv[1]).resolve()
    library = Path(lifelib.__file__).parent / "libraries" / "basiclife" / "BasicTerm_M"
    projection = modelx.read_model(str(library)).Projection
    all_points = projection.model_point_table
    n_figures, worst = 0, 0.0
    for first in range(0, len(all_points), len(all_points) // N_JOBS):
        points = all_points.iloc[first : first + N_POINTS]
        projection.model_point_table = points
        theirs = projection.result_pv()
        with TemporaryDirectory() as folder:
            rows = ours(squall, Path(folder), projection, points)
        assert len(rows) == len(points), f"{len(rows)} rows for {len(points)} points"
        for idx, row in theirs.iterrows():
            for name, column in FIGURES.items():
                worst = max(worst, abs(float(rows[f"p{idx}"][name]) - row[column]))
                n_figures += 1
    print(f"{n_figures} present values; the largest difference is {worst:.1e}")
    sys.exit(1 if worst > MOST else 0)


main()
