"""Compares derivatives with QuantLib on random contracts: discrete dividends, futures and options on them, digitals on a surface, options on
normal prices.

    python tests/quantlib/derivatives.py SQUALL [CASES] [SEED]

SQUALL is the binary. Prints a line per figure with the worst difference, and exits with 1 if one is too large.
"""

import datetime
import math
import random
import sys

import QuantLib as ql

from against import Worst, prices

TODAY = ql.Date(15, 1, 2026)
DAY_COUNT = ql.Actual365Fixed()
COLUMNS = "id,book,kind,underlying,quantity,multiplier,option_type,strike,expiry,payoff,cash_amount,future_expiry"
# A job has so many underlyings, each with one contract of each kind.
PER_JOB = 40
# QuantLib's grids take long.
AMERICANS_PER_JOB = 8


def iso(days):
    return (datetime.date(2026, 1, 15) + datetime.timedelta(days)).isoformat()


class Underlying:
    """One underlying with its dividends, and the contract on it."""

    def __init__(self, rng, name, rate):
        self.name, self.rate = name, rate
        self.spot = round(rng.uniform(20, 500), 2)
        self.dividend_yield = rng.choice([0, 0, round(rng.uniform(-0.01, 0.05), 4)])
        self.vol = round(rng.uniform(0.08, 0.6), 3)
        self.expiry = rng.randint(2, 900)
        self.later = self.expiry + rng.choice([0, rng.randint(1, 200)])
        # Some on the eve of the expiry, on it, just after the valuation date, or past it.
        days = sorted(set(rng.choice([1, self.expiry, max(1, self.expiry - 1), rng.randint(1, 1000)]) for _ in range(rng.randint(1, 8))))
        self.dividends = [(day, round(self.spot * rng.uniform(0.001, 0.02), 3)) for day in days]
        self.strike = round(self.spot * rng.uniform(0.75, 1.3), 2)
        self.option = rng.choice(["call", "put"])

    def market(self):
        return {
            "class": "equity", "currency": "USD", "spot": self.spot, "vol": self.vol, "dividend_yield": self.dividend_yield,
            "dividends": [{"date": iso(day), "amount": amount} for day, amount in self.dividends],
        }

    def forward(self, days):
        """The forward price, by arithmetic."""
        grown = lambda amount, n: amount * math.exp((self.rate - self.dividend_yield) * n / 365)
        return grown(self.spot, days) - sum(grown(amount, days - day) for day, amount in self.dividends if day <= days)

    def process(self):
        curve = lambda rate: ql.YieldTermStructureHandle(ql.FlatForward(TODAY, rate, DAY_COUNT))
        vol = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(TODAY, ql.NullCalendar(), self.vol, DAY_COUNT))
        spot = ql.QuoteHandle(ql.SimpleQuote(self.spot))
        return ql.BlackScholesMertonProcess(spot, curve(self.dividend_yield), curve(self.rate), vol)

    def schedule(self):
        return ql.DividendVector([TODAY + day for day, _ in self.dividends], [amount for _, amount in self.dividends])

    def ql_type(self):
        return ql.Option.Call if self.option == "call" else ql.Option.Put

    def vanilla(self, exercise):
        return ql.VanillaOption(ql.PlainVanillaPayoff(self.ql_type(), self.strike), exercise)

    def european(self):
        option = self.vanilla(ql.EuropeanExercise(TODAY + self.expiry))
        option.setPricingEngine(ql.AnalyticDividendEuropeanEngine(self.process(), self.schedule()))
        return option.NPV()

    def american(self):
        """By finite differences on two grids, extrapolated; the spot falls by each dividend."""
        option = self.vanilla(ql.AmericanExercise(TODAY, TODAY + self.expiry))
        values = []
        for n in (500, 1000):
            engine = ql.FdBlackScholesVanillaEngine(
                self.process(), self.schedule(), n, n, 0, ql.FdmSchemeDesc.Douglas(), False, 0.0, ql.FdBlackScholesVanillaEngine.Spot
            )
            option.setPricingEngine(engine)
            values.append(option.NPV())
        return values[1] + (values[1] - values[0]) / 3

    def black(self):
        """A European option on the future, by Black's formula."""
        years = self.expiry / 365
        deviation = self.vol * math.sqrt(years)
        return ql.blackFormula(self.ql_type(), self.strike, self.forward(self.later), deviation, math.exp(-self.rate * years))

    def american_black(self):
        """An American option on the future: its price drifts as little as an asset that yields the rate."""
        curve = ql.YieldTermStructureHandle(ql.FlatForward(TODAY, self.rate, DAY_COUNT))
        vol = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(TODAY, ql.NullCalendar(), self.vol, DAY_COUNT))
        process = ql.BlackProcess(ql.QuoteHandle(ql.SimpleQuote(self.forward(self.later))), curve, vol)
        option = self.vanilla(ql.AmericanExercise(TODAY, TODAY + self.expiry))
        option.setPricingEngine(ql.QdFpAmericanEngine(process, ql.QdFpAmericanEngine.highPrecisionScheme()))
        return option.NPV()


class NormalUnderlying:
    """An underlying whose price is normal, and the contracts on it."""

    def __init__(self, rng, name, rate):
        self.name, self.rate = name, rate
        self.spot = rng.choice([round(rng.uniform(-60, 140), 2), round(rng.uniform(-1, 1), 3), 0])
        self.convenience_yield = rng.choice([0, round(rng.uniform(-0.1, 0.1), 4)])
        self.vol = round(rng.choice([rng.uniform(5, 90), rng.uniform(0.05, 5)]), 3)
        self.expiry = rng.randint(1, 900)
        self.later = self.expiry + rng.choice([0, rng.randint(1, 200)])
        self.strike = round(self.spot + rng.gauss(0, 1.5) * self.vol * math.sqrt(self.expiry / 365), 2)
        self.option = rng.choice(["call", "put"])

    def market(self):
        return {
            "class": "commodity", "currency": "USD", "model": "normal", "spot": self.spot, "vol": self.vol,
            "convenience_yield": self.convenience_yield,
        }

    def forward(self, days):
        return self.spot * math.exp((self.rate - self.convenience_yield) * days / 365)

    def values(self, days):
        """Of one on the forward to then: the option, the digitals of one unit of cash and of the asset; and the size of their terms."""
        years, forward = self.expiry / 365, self.forward(days)
        deviation, discount = self.vol * math.sqrt(years), math.exp(-self.rate * years)
        option_type = ql.Option.Call if self.option == "call" else ql.Option.Put
        option = ql.bachelierBlackFormula(option_type, self.strike, forward, deviation, discount)
        chance = ql.bachelierBlackFormulaAssetItmProbability(option_type, self.strike, forward, deviation)
        asset = (1 if self.option == "call" else -1) * option + discount * self.strike * chance
        return option, discount * chance, asset, max(abs(forward), abs(self.strike), deviation)


def surface(rng, spot):
    """A surface with a slope in most places, and its volatility by expiry in years and strike."""
    strikes = [round(spot * part, 2) for part in (0.7, 0.9, 1.0, 1.1, 1.4)]
    level, slope = rng.uniform(0.15, 0.4), rng.uniform(-0.15, 0.03)
    row = [round(level + slope * math.log(strike / spot) + rng.uniform(0, 0.004), 4) for strike in strikes]

    def vol(strike):
        for (left, low), (right, high) in zip(zip(strikes, row), zip(strikes[1:], row[1:])):
            if left <= strike <= right:
                return low + (strike - left) / (right - left) * (high - low)
        return row[0] if strike < strikes[0] else row[-1]

    return {"expiries": [1], "strikes": strikes, "vols": [row]}, vol


def main():
    if len(sys.argv) not in (2, 3, 4):
        sys.exit(__doc__)
    squall = sys.argv[1]
    n_cases = int(sys.argv[2]) if len(sys.argv) > 2 else 4000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    rng = random.Random(seed)
    ql.Settings.instance().evaluationDate = TODAY

    # Of the spot.
    figures = {
        "forward": Worst("forwards with dividends, of the spot", 1e-12),
        "european": Worst("Europeans with dividends, of the spot", 1e-11),
        "american": Worst("Americans with dividends, of the spot", 5e-5),
        "future": Worst("futures times 50 in millionths, of the spot", 5e-8),
        "black": Worst("Europeans on futures, of the spot", 1e-11),
        "american_black": Worst("Americans on futures, of the spot", 2e-5),
        "normal": Worst("Europeans on normal prices, of forward, strike or deviation", 1e-13),
        "normal_future": Worst("Europeans on futures with normal prices, of the same", 1e-13),
        "normal_cash": Worst("digitals of cash on normal prices, of the cash", 1e-12),
        "normal_asset": Worst("digitals of the asset on normal prices, of forward, strike or deviation", 1e-12),
        "digital": Worst("digitals against call spreads of their surface, of the cash", 2e-6),
    }
    n_seen = 0
    while n_seen < n_cases:
        rate = round(rng.uniform(-0.01, 0.08), 4)
        underlyings = [Underlying(rng, f"U{idx}", rate) for idx in range(PER_JOB)]
        market = {
            "valuation_date": iso(0), "report_currency": "USD",
            "curves": {"USD": {"currency": "USD", "points": [{"tenor": 1, "rate": rate}]}},
            "underlyings": {it.name: it.market() for it in underlyings},
        }
        rows, vols = [COLUMNS], {}
        for idx, it in enumerate(underlyings):
            option = f"{it.option},{it.strike},{iso(it.expiry)},,,"
            rows.append(f"forward{idx},b,forward,{it.name},1,,,{it.strike},{iso(it.expiry)},,,")
            rows.append(f"european{idx},b,european,{it.name},1,,{option}")
            if idx < AMERICANS_PER_JOB:
                rows.append(f"american{idx},b,american,{it.name},1,,{option}")
            rows.append(f"future{idx},b,future,{it.name},1,50,,{it.strike},{iso(it.later)},,,")
            rows.append(f"black{idx},b,european,{it.name},1,,{option}{iso(it.later)}")
            rows.append(f"american_black{idx},b,american,{it.name},1,,{option}{iso(it.later)}")
            grid, vols[idx] = surface(rng, it.spot)
            market["underlyings"][f"S{idx}"] = {"class": "equity", "currency": "USD", "spot": it.spot, "dividend_yield": it.dividend_yield, "vol": grid}
            rows.append(f"digital{idx},b,digital,S{idx},1,,{it.option},{it.strike},{iso(it.expiry)},cash,1,")
        # With a generator of their own: the others stay the same.
        normal_rng = random.Random(f"{seed} {n_seen}")
        normals = [NormalUnderlying(normal_rng, f"N{idx}", rate) for idx in range(PER_JOB)]
        market["underlyings"] |= {it.name: it.market() for it in normals}
        for idx, it in enumerate(normals):
            option = f"{it.option},{it.strike},{iso(it.expiry)}"
            rows.append(f"normal{idx},b,european,{it.name},1,,{option},,,")
            rows.append(f"normal_future{idx},b,european,{it.name},1,,{option},,,{iso(it.later)}")
            rows.append(f"normal_cash{idx},b,digital,{it.name},1,,{option},cash,1,")
            rows.append(f"normal_asset{idx},b,digital,{it.name},1,,{option},asset,,")
        seen = prices(squall, "\n".join(rows) + "\n", market)

        for idx, it in enumerate(underlyings):
            what = f"{vars(it)}"
            discount = math.exp(-rate * it.expiry / 365)

            def see(name, ours, theirs, of=it.spot):
                nonlocal n_seen
                n_seen += 1
                figures[name].see(what, ours / of, theirs / of)

            see("forward", seen[f"forward{idx}"]["price"], discount * (it.forward(it.expiry) - it.strike))
            see("european", seen[f"european{idx}"]["price"], it.european())
            if idx < AMERICANS_PER_JOB:
                see("american", seen[f"american{idx}"]["price"], it.american())
            future = seen[f"future{idx}"]
            see("future", float(future["value"]), 50 * (it.forward(it.later) - it.strike))
            see("black", seen[f"black{idx}"]["price"], it.black())
            see("american_black", seen[f"american_black{idx}"]["price"], it.american_black())

            years, half = it.expiry / 365, 1e-4 * it.strike
            forward = it.spot * math.exp((rate - it.dividend_yield) * years)
            price = lambda strike: ql.blackFormula(it.ql_type(), strike, forward, vols[idx](strike) * math.sqrt(years), discount)
            kinks = [node for node in market["underlyings"][f"S{idx}"]["vol"]["strikes"] if abs(node - it.strike) <= half]
            if not kinks:
                sign = 1 if it.option == "call" else -1
                spread = sign * (price(it.strike - half) - price(it.strike + half)) / (2 * half)
                see("digital", seen[f"digital{idx}"]["price"], spread, of=1)
        for idx, it in enumerate(normals):
            of_spot, on_future = it.values(it.expiry), it.values(it.later)
            price = lambda kind: seen[f"{kind}{idx}"]["price"]
            option, cash, asset, size = of_spot
            for kind, theirs, of in [
                ("normal", option, size), ("normal_future", on_future[0], on_future[3]), ("normal_cash", cash, 1), ("normal_asset", asset, size),
            ]:
                n_seen += 1
                figures[kind].see(f"{vars(it)}", price(kind) / of, theirs / of)
    if not all([figure.end() for figure in figures.values()]):
        sys.exit(1)


if __name__ == "__main__":
    main()
