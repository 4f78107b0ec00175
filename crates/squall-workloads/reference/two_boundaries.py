"""Writes two_boundaries.csv: American options with two exercise boundaries, put with yield < rate < 0 or call with
rate < yield < 0.

Columns: kind,spot,strike,years,rate,dividend_yield,vol,value,quantlib. `quantlib` is QuantLib's finite differences with
1000 nodes and 1000 steps. They exercise at the steps only, which is of first order: for long expiries or low vols they
are low by up to 3% of the value. `value` is therefore read from argv[1], one number a line for the contracts that this
prints without it: it is our own `finite_difference.rs` with N_INTERVALS = 3200, N_STEPS = 640, CROWDING = 4.7 and
MAX_POLICIES = 3000. Where vol is at least 5% and the value 0.001 the two agree within 5e-4, 4e-6 in the median.
`american.csv` has values of such contracts that are independent altogether, from trees.
"""
import csv, math, os, random, sys

DAYS = [1, 7, 30, 91, 182, 365, 730, 1825, 3650, 10950]


def contracts(rng, count):
    for _ in range(count):
        mode = rng.random()
        v, t = (rng.uniform(.05, .6) if mode < .5 else None), None
        if v is None:
            v = 10 ** rng.uniform(-3, .4)
        t = rng.choice(DAYS) / 365
        r = -10 ** rng.uniform(-4, -1.4)
        q = r - 10 ** rng.uniform(-4, -1.5)
        s = float("%.10g" % min(max(math.exp(rng.gauss(0, 1.5) * v * t ** .5), .1), 10))
        yield ("put", s, 1.0, t, r, q, v) if rng.random() < .5 else ("call", 1.0, s, t, q, r, v)


def quantlib(kind, s, k, t, r, q, v):
    import QuantLib as ql
    today, count = ql.Date(1, 1, 2025), ql.Actual365Fixed()
    ql.Settings.instance().evaluationDate = today
    flat = lambda x: ql.YieldTermStructureHandle(ql.FlatForward(today, x, count))
    vol = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), v, count))
    process = ql.BlackScholesMertonProcess(ql.QuoteHandle(ql.SimpleQuote(s)), flat(q), flat(r), vol)
    payoff = ql.PlainVanillaPayoff(ql.Option.Put if kind == "put" else ql.Option.Call, k)
    option = ql.VanillaOption(payoff, ql.AmericanExercise(today, today + round(t * 365)))
    option.setPricingEngine(ql.FdBlackScholesVanillaEngine(process, 1000, 1000, 0))
    return option.NPV()


if __name__ == "__main__":
    cases = list(contracts(random.Random(99), 300))
    if len(sys.argv) < 2:
        sys.exit("\n".join(",".join(map(str, case)) for case in cases))
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "two_boundaries.csv"), "w", newline="") as out:
        w = csv.writer(out, lineterminator="\n")
        w.writerow("kind spot strike years rate dividend_yield vol value quantlib".split())
        for case, value in zip(cases, map(float, open(sys.argv[1]))):
            w.writerow([case[0], *map(repr, case[1:]), f"{value:.10g}", f"{quantlib(*case):.10g}"])
