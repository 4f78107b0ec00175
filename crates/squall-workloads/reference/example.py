"""Unit prices of portfolio.md's example from QuantLib 1.44: the values that valuation/tests.rs quotes. Run here."""
import csv, io, json, re
import QuantLib as ql
from math import exp, sqrt, log
text = open("../portfolio.md").read()
block = lambda l: re.search("```%s\n(.*?)```" % l, text, re.S).group(1)
rows = list(csv.DictReader(io.StringIO(block("csv")))); m = json.loads(block("json"))
today = ql.DateParser.parseISO(m["valuation_date"]); ql.Settings.instance().evaluationDate = today
A = ql.Actual365Fixed()
def tenor(t):
    if isinstance(t, (int, float)): return float(t)
    return A.yearFraction(today, ql.NullCalendar().advance(today, ql.Period(t)))
def zero(curve, t):
    c = m["curves"][curve]; p = [(tenor(x["tenor"]), x["rate"]) for x in c["points"]]
    if t <= p[0][0]: return p[0][1]
    if t >= p[-1][0]: return p[-1][1]
    for (a, ra), (b, rb) in zip(p, p[1:]):
        if a <= t <= b:
            w = (t - a) / (b - a)
            return ra + w * (rb - ra) if c["interpolation"] == "linear_zero" else (a * ra + w * (b * rb - a * ra)) / t
def lin(xs, ys, x):
    if x <= xs[0]: return ys[0]
    if x >= xs[-1]: return ys[-1]
    for i in range(len(xs) - 1):
        if xs[i] <= x <= xs[i + 1]: return ys[i] + (x - xs[i]) / (xs[i + 1] - xs[i]) * (ys[i + 1] - ys[i])
def vol(v, t, k):
    if not isinstance(v, dict): return v
    T = [tenor(x) for x in v["expiries"]]; col = [lin(v["strikes"], r, k) for r in v["vols"]]
    if t <= T[0]: return col[0]
    if t >= T[-1]: return col[-1]
    return sqrt(lin(T, [c * c * x for c, x in zip(col, T)], t) / t)
def years(x): return A.yearFraction(today, ql.DateParser.parseISO(x)) if "-" in x else float(x)
DC = {"ACT/365F": A, "ACT/360": ql.Actual360(), "ACT/ACT-ISDA": ql.ActualActual(ql.ActualActual.ISDA),
      "30/360": ql.Thirty360(ql.Thirty360.BondBasis), "30E/360": ql.Thirty360(ql.Thirty360.EurobondBasis)}
F = {"annual": 12, "semiannual": 6, "quarterly": 3, "monthly": 1}
def sched(s, e, f): return [x for x in ql.Schedule(ql.DateParser.parseISO(s), ql.DateParser.parseISO(e), ql.Period(F[f], ql.Months), ql.NullCalendar(), ql.Unadjusted, ql.Unadjusted, ql.DateGeneration.Backward, False)]
for r in rows:
    kind, und = r["kind"], r["underlying"]
    if kind == "cash": print(r["id"], kind, 1.0); continue
    if und:
        u = m["underlyings"][und]
        fx = u["class"] == "fx"; S = m["fx"][und] if fx else u["spot"]
        cur = und[3:] if fx else u["currency"]
        if kind == "spot": print(r["id"], kind, S); continue
        date = ql.DateParser.parseISO(r["expiry"]) if "-" in r["expiry"] else today + int(round(365 * float(r["expiry"])))
        T = years(r["expiry"]); K = float(r["strike"])
        rate = zero(cur, T); q = zero(und[:3], T) if fx else u.get("dividend_yield", u.get("convenience_yield", 0.0)); v = vol(u["vol"], T, K)
        if kind == "future": print(r["id"], kind, S * exp((rate - q) * T) - K); continue
        if kind == "forward": print(r["id"], kind, S * exp(-q * T) - K * exp(-rate * T)); continue
        if kind in ("european", "digital"):
            d1 = (log(S / K) + (rate - q + v * v / 2) * T) / (v * sqrt(T)); d2 = d1 - v * sqrt(T); N = ql.CumulativeNormalDistribution()
            w = 1 if r["option_type"] == "call" else -1
            a, c = S * exp(-q * T) * N(w * d1), exp(-rate * T) * N(w * d2)
            print(r["id"], kind, w * (a - K * c) if kind == "european" else (a if r["payoff"] == "asset" else float(r["cash_amount"]) * c)); continue
        proc = ql.BlackScholesMertonProcess(ql.QuoteHandle(ql.SimpleQuote(S)), ql.YieldTermStructureHandle(ql.FlatForward(today, q, A)),
            ql.YieldTermStructureHandle(ql.FlatForward(today, rate, A)), ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), v, A)))
        ot = ql.Option.Call if r["option_type"] == "call" else ql.Option.Put
        if kind == "american":
            o = ql.VanillaOption(ql.PlainVanillaPayoff(ot, K), ql.AmericanExercise(today, date)); o.setPricingEngine(ql.QdFpAmericanEngine(proc, ql.QdFpAmericanEngine.highPrecisionScheme()))
        if kind == "barrier":
            bt = {"down-and-out": ql.Barrier.DownOut}[r["barrier_type"]]
            o = ql.BarrierOption(bt, float(r["barrier"]), float(r["rebate"] or 0), ql.PlainVanillaPayoff(ot, K), ql.EuropeanExercise(date)); o.setPricingEngine(ql.AnalyticBarrierEngine(proc))
        if kind == "asian":
            n = r["fixings"]
            dates = [ql.DateParser.parseISO(x) for x in n.split(";")] if ";" in n else None
            if dates is None:
                # evenly spaced times are no dates: simulate with the times
                import numpy as np
                rng = np.random.default_rng(1); n = int(n); N = 2_000_000; t = T * np.arange(1, n + 1) / n
                z = rng.standard_normal((N, n)); x = np.cumsum(z * sqrt(T / n), axis=1) * v + (rate - q - v * v / 2) * t
                avg = S * np.exp(x).mean(axis=1); geo = S * np.exp(x.mean(axis=1))
                pay = exp(-rate * T) * np.maximum(avg - K, 0); ctl = exp(-rate * T) * np.maximum(geo - K, 0)
                mu = (rate - q - v * v / 2) * t.mean(); var = v * v * np.minimum.outer(t, t).mean()
                d2 = (log(S / K) + mu) / sqrt(var); d1 = d2 + sqrt(var); Nn = ql.CumulativeNormalDistribution()
                exact = exp(-rate * T) * (S * exp(mu + var / 2) * Nn(d1) - K * Nn(d2))
                b = np.cov(pay, ctl)[0, 1] / ctl.var(); e = pay - b * (ctl - exact)
                print(r["id"], kind, e.mean(), "+-", e.std() / sqrt(N)); continue
            o = ql.DiscreteAveragingAsianOption(ql.Average.Arithmetic, float(r["past_fixings_sum"]), int(r["past_fixings_count"]), dates, ql.PlainVanillaPayoff(ot, K), ql.EuropeanExercise(date))
            o.setPricingEngine(ql.MCDiscreteArithmeticAPEngine(proc, "pseudorandom", controlVariate=True, requiredSamples=500000, seed=7))
            print(r["id"], kind, o.NPV(), "+-", o.errorEstimate()); continue
        print(r["id"], kind, o.NPV()); continue
    curve = r["curve"] or m["discount"].get(r["currency"], r["currency"]); P = lambda d: exp(-zero(curve, A.yearFraction(today, d)) * A.yearFraction(today, d))
    if kind == "zero_bond": t = years(r["maturity"]); print(r["id"], kind, float(r["face"]) * exp(-zero(curve, t) * t)); continue
    start = r["start"] or "2020-07-04"; s = sched(start, r["maturity"], r["frequency"]); dc = DC[r["day_count"]]
    leg = sum(dc.yearFraction(a, b) * P(b) for a, b in zip(s, s[1:]) if b > today)
    if kind == "fixed_bond": print(r["id"], kind, float(r["face"]) * (float(r["coupon"]) * leg + P(s[-1]))); continue
    if r["current_fixing"]:
        f = sched(start, r["maturity"], r["floating_frequency"]); a, b = next((a, b) for a, b in zip(f, f[1:]) if b > today)
        fl = P(b) * (1 + float(r["current_fixing"]) * DC[r["floating_day_count"]].yearFraction(a, b)) - P(s[-1])
    else: fl = P(max(s[0], today)) - P(s[-1])
    print(r["id"], kind, float(r["notional"]) * (fl - float(r["fixed_rate"]) * leg) * (1 if r["fixed_leg"] == "pay" else -1))
