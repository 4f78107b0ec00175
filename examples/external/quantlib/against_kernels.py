"""Prices the demo's European and American options twice, by Squall's own kernels and by QuantLib through an `external` job, and compares.

    python against_kernels.py SQUALL

SQUALL is the binary. With this Python, which needs QuantLib (tests/quantlib/requirements.txt); without it says so, and is content. Prints a line per kind
with the worst difference, and exits with 1 if one is too large. A Bermudan swaption, which only QuantLib knows, goes with them: with
one date it has to be worth what the same model's formula says, and with more dates more.
"""

import csv
import io
import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
CHECKOUT = HERE.parents[2]
DATA = CHECKOUT / "events/jobs/data"
sys.path.append(str(CHECKOUT / "tests/quantlib"))

try:
    import QuantLib as ql
except ImportError:
    print(f"skipped: {sys.executable} has no QuantLib; `pip install --requirement tests/quantlib/requirements.txt`")
    sys.exit()

from against import Worst, prices

# Of a price. Europeans are the same formula; of Americans the kernels' error is allowed for.
TOLERANCES = {"european": 1e-9, "american": 1e-6}
SWAPTION = {
    "kind": "bermudan_swaption", "currency": "USD", "type": "payer", "fixed_rate": 0.027, "start": "2019-12-31", "maturity": "2028-12-31",
    "notional": 1000000, "mean_reversion": 0.03, "volatility": 0.01,
}
DATES = [f"{year}-12-31" for year in range(2019, 2028)]


def european(date):
    """The right to enter what is left of the swap on one date."""
    return {**SWAPTION, "start": date, "exercise_dates": [date]}


def external(squall, items, params):
    """The values of items by an external job, in their order."""
    job_input = {
        "items": {"list": items}, "params": params, "merge": {"type": "concat"},
        "worker": {"command": [sys.executable, str(HERE / "price.py")]}, "audit": {"share": 0.1, "on_difference": "fail"},
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json") as job:
        json.dump({"workload": "external", "input": job_input}, job)
        job.flush()
        run = subprocess.run([squall, "run", "--allow-command", "--json", "-q", job.name], capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"squall run: exit {run.returncode}: {run.stderr[:2000]}")
    return values(json.loads(run.stdout)["report"])


def values(report):
    """The `values` of a report, wherever the merge has put them."""
    if "values" in report:
        return [entry["value"] for entry in report["values"]]
    return next(filter(None, (values(it) for it in report.values() if isinstance(it, dict))), None)


def jamshidian(date):
    """The swaption with this one date, by the formula of the Hull-White model."""
    import price

    market = price.Market(json.loads((DATA / "market.json").read_text()))
    swaption = price.swaption(european(date), market)
    model = ql.HullWhite(market.curve("USD"), SWAPTION["mean_reversion"], SWAPTION["volatility"])
    swaption.setPricingEngine(ql.JamshidianSwaptionEngine(model))
    return swaption.NPV()


def main(squall):
    market = json.loads((DATA / "market.json").read_text())
    with open(DATA / "positions.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] in TOLERANCES]
    text = io.StringIO()
    writer = csv.DictWriter(text, ["id", "book", "kind", "underlying", "quantity", "option_type", "strike", "expiry"], extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    kernels = prices(squall, text.getvalue(), market)
    swaptions = [european(date) for date in DATES]
    by_quantlib = external(squall, [*rows, *swaptions, SWAPTION], market)
    worst = {kind: Worst(f"{kind} options of the demo, relative", tolerance) for kind, tolerance in TOLERANCES.items()}
    for row, theirs in zip(rows, by_quantlib):
        scale = max(theirs, 0.01 * float(row["strike"]))
        worst[row["kind"]].see(row["id"], kernels[row["id"]]["price"] / scale, theirs / scale)
    *europeans, bermudan = by_quantlib[len(rows):]
    one_date = Worst("swaptions of one date, of the notional, by tree and formula", 2e-4)
    for date, theirs in zip(DATES, europeans):
        one_date.see(date, theirs / SWAPTION["notional"], jamshidian(date) / SWAPTION["notional"])
    is_right = all([it.end() for it in [*worst.values(), one_date]])
    is_worth_more = max(europeans) < bermudan < sum(europeans)
    print(f"{'ok ' if is_worth_more else 'BAD'} the Bermudan swaption: {bermudan:.2f}, with the best date alone {max(europeans):.2f}")
    return is_right and is_worth_more


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(0 if main(sys.argv[1]) else 1)
