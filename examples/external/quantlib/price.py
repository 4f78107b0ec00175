"""Prices instruments by QuantLib, as a worker of an `external` job: European and American options, and Bermudan swaptions.

    python3 price.py '{"kind": "european", "underlying": "SPX", "option_type": "put", "strike": 2375, "expiry": "2019-03-15"}' \
        --params "$(cat ../../../events/jobs/data/market.json)"

An item is an object with `kind` and the terms below; the value is a unit's price in the currency of the instrument. The job's `params` are a
market as the `portfolio` workload has it (curves with linear zero rates; `vol` a number, or a surface in linear total variance), so that both can be
compared: `against_kernels.py`. Numbers may be texts, so that the rows of a CSV file are items too.

european, american: underlying, option_type (call, put), strike, expiry (a date).
bermudan_swaption:  currency, type (payer, receiver), fixed_rate, start, maturity (dates), notional, mean_reversion, volatility (of the short rate, a
                    year). Exercise is possible where a year of the fixed leg begins, or on `exercise_dates`, by a tree of the Hull-White model.
"""

import os
import sys
from bisect import bisect_right

import QuantLib as ql

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../python"))
from squall_worker import worker

DAY_COUNT = ql.Actual365Fixed()
NO_CALENDAR = ql.NullCalendar()
# Steps of the tree of a swaption.
STEPS = 200


def day(text):
    return ql.DateParser.parseISO(text)


class Market:
    """A market of the `portfolio` workload, as far as options need it."""

    def __init__(self, params):
        if not isinstance(params, dict):
            raise ValueError("the job's params are no market; expected valuation_date, curves, underlyings")
        self.market, self.today = params, day(params["valuation_date"])
        ql.Settings.instance().evaluationDate = self.today

    def date(self, tenor):
        return self.today + (round(365 * tenor) if isinstance(tenor, (int, float)) else ql.Period(tenor))

    def years(self, date):
        return (date - self.today) / 365

    def zero_rate(self, currency, years):
        points = self.market["curves"][currency]["points"]
        return between([self.years(self.date(point["tenor"])) for point in points], [point["rate"] for point in points], years)

    def curve(self, currency):
        points = self.market["curves"][currency]["points"]
        dates, rates = [self.date(point["tenor"]) for point in points], [point["rate"] for point in points]
        curve = ql.ZeroCurve([self.today, *dates, self.today + ql.Period(99, ql.Years)], [rates[0], *rates, rates[-1]], DAY_COUNT, NO_CALENDAR)
        return ql.YieldTermStructureHandle(curve)

    def vol(self, surface, strike, years):
        """Linear in the strike, then in total variance; flat outside."""
        if isinstance(surface, (int, float)):
            return surface
        expiries = [self.years(self.date(tenor)) for tenor in surface["expiries"]]
        vols = [between(surface["strikes"], row, strike) for row in surface["vols"]]
        if not expiries[0] < years < expiries[-1]:
            return vols[0] if years <= expiries[0] else vols[-1]
        return (between(expiries, [vol**2 * time for vol, time in zip(vols, expiries)], years) / years) ** 0.5

    def process(self, name, strike, expiry):
        """Of the underlying, with the rates and the volatility of this strike and expiry throughout."""
        underlying, years = self.market["underlyings"][name], self.years(expiry)
        if underlying["class"] == "fx":
            spot, (base, currency) = self.market["fx"][name], (name[:3], name[3:])
            carry = self.zero_rate(base, years)
        else:
            spot, currency = underlying["spot"], underlying["currency"]
            carry = underlying.get("dividend_yield", underlying.get("convenience_yield", 0))
        flat = lambda rate: ql.YieldTermStructureHandle(ql.FlatForward(self.today, rate, DAY_COUNT))
        vol = ql.BlackConstantVol(self.today, NO_CALENDAR, self.vol(underlying["vol"], strike, years), DAY_COUNT)
        return ql.BlackScholesMertonProcess(
            ql.QuoteHandle(ql.SimpleQuote(spot)), flat(carry), flat(self.zero_rate(currency, years)), ql.BlackVolTermStructureHandle(vol)
        )


def between(xs, ys, x):
    """Linear between the points, flat outside."""
    if x <= xs[0] or x >= xs[-1]:
        return ys[0] if x <= xs[0] else ys[-1]
    i = bisect_right(xs, x)
    return ys[i - 1] + (ys[i] - ys[i - 1]) * (x - xs[i - 1]) / (xs[i] - xs[i - 1])


@worker(setup=Market, name="quantlib", version=ql.__version__)
def price(item, market):
    kinds = {"european": option, "american": option, "bermudan_swaption": bermudan_swaption}
    if item["kind"] not in kinds:
        raise ValueError(f"kind: {item['kind']!r}; expected one of {', '.join(kinds)}")
    return kinds[item["kind"]](item, market)


def option(item, market):
    strike, expiry = float(item["strike"]), day(item["expiry"])
    payoff = ql.PlainVanillaPayoff({"call": ql.Option.Call, "put": ql.Option.Put}[item["option_type"]], strike)
    process = market.process(item["underlying"], strike, expiry)
    if item["kind"] == "european":
        contract, engine = ql.VanillaOption(payoff, ql.EuropeanExercise(expiry)), ql.AnalyticEuropeanEngine(process)
    else:
        contract = ql.VanillaOption(payoff, ql.AmericanExercise(market.today, expiry))
        engine = ql.QdFpAmericanEngine(process, ql.QdFpAmericanEngine.highPrecisionScheme())
    contract.setPricingEngine(engine)
    return contract.NPV()


def bermudan_swaption(item, market):
    contract = swaption(item, market)
    model = ql.HullWhite(market.curve(item["currency"]), float(item["mean_reversion"]), float(item["volatility"]))
    contract.setPricingEngine(ql.TreeSwaptionEngine(model, STEPS))
    return contract.NPV()


def swaption(item, market):
    """Without an engine."""
    start, maturity, curve = day(item["start"]), day(item["maturity"]), market.curve(item["currency"])
    dates = lambda months: ql.Schedule(
        start, maturity, ql.Period(months, ql.Months), NO_CALENDAR, ql.Unadjusted, ql.Unadjusted, ql.DateGeneration.Backward, False
    )
    index = ql.IborIndex("6M", ql.Period(6, ql.Months), 0, ql.Currency(), NO_CALENDAR, ql.Unadjusted, False, DAY_COUNT, curve)
    kind = {"payer": ql.Swap.Payer, "receiver": ql.Swap.Receiver}[item["type"]]
    fixed, floating = dates(12), dates(6)
    swap = ql.VanillaSwap(
        kind, float(item["notional"]), fixed, float(item["fixed_rate"]), ql.Thirty360(ql.Thirty360.BondBasis), floating, index, 0, DAY_COUNT
    )
    exercise = [day(text) for text in item.get("exercise_dates", [])] or list(fixed)[:-1]
    return ql.Swaption(swap, ql.EuropeanExercise(exercise[0]) if len(exercise) == 1 else ql.BermudanExercise(exercise))


if __name__ == "__main__":
    price.main()
