"""Positions at the horizon of the scenarios against QuantLib with its evaluation date moved there.

    python tests/quantlib/ageing.py SQUALL [CASES] [SEED]
"""

import json
import random
import subprocess
import sys
import tempfile

import QuantLib as ql

from against import Worst

TODAY = ql.Date(15, 1, 2026)
COUNT = ql.Actual365Fixed()


def curve(reference, rate):
    """A flat curve, continuously compounded."""
    return ql.YieldTermStructureHandle(ql.FlatForward(reference, rate, COUNT))


def iso(date):
    return f"{date.year()}-{date.month():02}-{date.dayOfMonth():02}"


def option_values(draw, horizon, market):
    """A row of the positions, and QuantLib's value at the horizon."""
    kind = draw.choice(["european", "american", "digital", "barrier"])
    expiry = TODAY + draw.randint(2, 900)
    strike = round(draw.uniform(70, 130), 2)
    is_call = draw.random() < 0.5
    ends = max(expiry, horizon)
    option_type = ql.Option.Call if is_call else ql.Option.Put
    payoff = ql.PlainVanillaPayoff(option_type, strike)
    fields = {"kind": kind, "underlying": "ACME", "option_type": "call" if is_call else "put", "strike": strike, "expiry": iso(expiry)}
    process = ql.BlackScholesMertonProcess(
        ql.QuoteHandle(ql.SimpleQuote(market["spot"])),
        curve(horizon, market["yield"]),
        curve(horizon, market["rate"]),
        ql.BlackVolTermStructureHandle(ql.BlackConstantVol(horizon, ql.NullCalendar(), market["vol"], COUNT)),
    )
    european = ql.EuropeanExercise(ends)
    if kind == "digital":
        fields |= {"payoff": "cash", "cash_amount": 50}
        if expiry <= horizon:
            is_in = market["spot"] > strike if is_call else market["spot"] < strike
            return fields, 50.0 if is_in else 0.0
        option = ql.VanillaOption(ql.CashOrNothingPayoff(option_type, strike, 50.0), european)
        option.setPricingEngine(ql.AnalyticEuropeanEngine(process))
        return fields, option.NPV()
    intrinsic = max(market["spot"] - strike, 0.0) if is_call else max(strike - market["spot"], 0.0)
    if kind == "barrier":
        fields |= {"barrier_type": "down-and-out", "barrier": 60}
        if expiry <= horizon:
            return fields, intrinsic
        option = ql.BarrierOption(ql.Barrier.DownOut, 60.0, 0.0, payoff, european)
        option.setPricingEngine(ql.AnalyticBarrierEngine(process))
        return fields, option.NPV()
    if expiry <= horizon:
        return fields, intrinsic
    if kind == "american":
        option = ql.VanillaOption(payoff, ql.AmericanExercise(horizon, expiry))
        option.setPricingEngine(ql.QdFpAmericanEngine(process, ql.QdFpAmericanEngine.accurateScheme()))
    else:
        option = ql.VanillaOption(payoff, european)
        option.setPricingEngine(ql.AnalyticEuropeanEngine(process))
    return fields, option.NPV()


def bond_value(draw, horizon, market):
    """The same for a bond that pays on nominal dates."""
    years = draw.randint(2, 20)
    # Not the end of a month, which February would move.
    maturity = ql.Date(draw.randint(1, 27), draw.randint(1, 12), 2026 + years)
    coupon = round(draw.uniform(0, 0.08), 4)
    fields = {"kind": "fixed_bond", "currency": "USD", "face": 100, "coupon": coupon, "frequency": "annual",
              "day_count": "30E/360", "maturity": iso(maturity)}
    paid = [ql.Date(maturity.dayOfMonth(), maturity.month(), year) for year in range(2026, maturity.year() + 1)]
    rate, value = market["rate"], 0.0
    for date in paid:
        if date > TODAY:
            amount = 100 * coupon + (100 if date == maturity else 0)
            # What is paid before the horizon earns the same rate until then.
            value += amount * ql.InterestRate(rate, COUNT, ql.Continuous, ql.NoFrequency).compoundFactor(date, horizon) \
                if date <= horizon else amount * curve(horizon, rate).discount(date)
    return fields, value


def main(squall, cases=2_000, seed=1):
    draw = random.Random(seed)
    worst = {kind: Worst(f"aged {kind}, of 100", tolerance) for kind, tolerance in
             [("european", 5e-6), ("american", 1e-3), ("digital", 5e-6), ("barrier", 5e-6), ("fixed_bond", 5e-6)]}
    columns = ["id", "book", "kind", "underlying", "currency", "quantity", "option_type", "strike", "expiry", "payoff", "cash_amount",
               "barrier_type", "barrier", "face", "coupon", "frequency", "day_count", "maturity"]
    n_jobs = max(1, cases // 50)
    for number in range(n_jobs):
        days = draw.choice([1, 3, 10, 14, 31, 90, 365])
        horizon = TODAY + days
        ql.Settings.instance().evaluationDate = horizon
        market = {"spot": 100.0, "rate": round(draw.uniform(0.005, 0.08), 4), "yield": round(draw.uniform(0.0, 0.06), 4),
                  "vol": round(draw.uniform(0.1, 0.6), 3)}
        rows, expected = [",".join(columns)], {}
        for idx in range(50):
            fields, value = (bond_value if draw.random() < 0.25 else option_values)(draw, horizon, market)
            name = f"P{idx}"
            fields |= {"id": name, "book": name, "quantity": 1}
            rows.append(",".join(str(fields.get(column, "")) for column in columns))
            expected[name] = (fields["kind"], value)
        job = {"workload": "portfolio", "input": {
            "positions": {"csv": "\n".join(rows) + "\n"},
            "market": {"valuation_date": iso(TODAY), "report_currency": "USD",
                       "curves": {"USD": {"currency": "USD", "points": [{"tenor": 1, "rate": market["rate"]}]}},
                       "underlyings": {"ACME": {"class": "equity", "currency": "USD", "spot": 100, "vol": market["vol"],
                                                "dividend_yield": market["yield"]}}},
            "age": days, "scenarios": {"type": "explicit", "csv": "scenario,spot:ACME\nsame,0\n"}}}
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(job, file)
            file.flush()
            run = subprocess.run([squall, "run", "--json", "-q", file.name], capture_output=True, text=True)
        if run.returncode != 0:
            sys.exit(f"squall run: exit {run.returncode}: {run.stderr[:2000]}")
        for book in json.loads(run.stdout)["report"]["by_book"]:
            kind, value = expected[book["name"]]
            aged = float(book["base_value"]) + float(book["pnl_of_ageing"])
            worst[kind].see(f"seed {seed}, job {number}, {days} days, {rows[1 + int(book['name'][1:])]}, {market}", aged, value)
    if not all([figure.end() for figure in worst.values()]):
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
