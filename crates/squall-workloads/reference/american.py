"""References for American options: QuantLib's high-precision Andersen-Lake-Offengenden engine, checked against a binomial
tree (two-boundary contracts: the tree alone). Writes american.csv.

Columns: kind,spot,strike,years,rate,dividend_yield,vol,value,error (error: disagreement of the two methods).
"""
import csv, math, random, sys, os
import numpy as np
import QuantLib as ql

TODAY = ql.Date(1, 1, 2025)
ql.Settings.instance().evaluationDate = TODAY
DC = ql.Actual365Fixed()

def quantlib(kind, spot, strike, days, r, q, v):
    flat = lambda x: ql.YieldTermStructureHandle(ql.FlatForward(TODAY, x, DC))
    process = ql.BlackScholesMertonProcess(ql.QuoteHandle(ql.SimpleQuote(spot)), flat(q), flat(r),
        ql.BlackVolTermStructureHandle(ql.BlackConstantVol(TODAY, ql.NullCalendar(), v, DC)))
    kind = ql.Option.Put if kind == "put" else ql.Option.Call
    option = ql.VanillaOption(ql.PlainVanillaPayoff(kind, strike), ql.AmericanExercise(TODAY, TODAY + days))
    option.setPricingEngine(ql.QdFpAmericanEngine(process, ql.QdFpAmericanEngine.highPrecisionScheme()))
    return option.NPV()

def european(s, t, r, q, v):
    n = lambda x: 0.5 * math.erfc(-x / math.sqrt(2))
    d = v * math.sqrt(t); m = (math.log(s) + (r - q) * t) / d
    return math.exp(-r * t) * n(-m + d / 2) - s * math.exp(-q * t) * n(-m - d / 2)

def tree_once(s, t, r, q, v, n, american):
    """Put with strike 1 on a drift-free-frame binomial tree whose last step is Black-Scholes."""
    dt = t / n
    step = v * math.sqrt(dt)
    mu = r - q
    # p u + (1-p) / u = 1 exactly, in units of the forward
    p = 1 / (1 + math.exp(step))
    j = np.arange(n)
    from scipy.special import ndtr
    fwd = math.exp(mu * (n - 1) * dt)
    x = s * fwd * np.exp(step * (2 * j - (n - 1)))
    m = (np.log(x) + mu * dt) / step
    value = math.exp(-r * dt) * ndtr(-m + step / 2) - x * math.exp(-q * dt) * ndtr(-m - step / 2)
    if american:
        value = np.maximum(value, 1 - x)
    disc = math.exp(-r * dt)
    for k in range(n - 2, -1, -1):
        value = disc * (p * value[1:] + (1 - p) * value[:-1])
        if american:
            x = s * math.exp(mu * k * dt) * np.exp(step * (2 * np.arange(k + 1) - k))
            np.maximum(value, 1 - x, out=value)
    return value[0]

def tree(kind, spot, strike, t, r, q, v, n=3000):
    if kind == "call":
        return tree("put", strike, spot, t, q, r, v, n)
    s = spot / strike
    e = european(s, t, r, q, v)
    f = lambda m: tree_once(s, t, r, q, v, m, True) - tree_once(s, t, r, q, v, m, False)
    a = 0.5 * (f(n) + f(n + 1)); b = 0.5 * (f(n // 2) + f(n // 2 + 1))
    return strike * max(e + 2 * a - b, e, 1 - s)

def contracts(rng):
    """(kind, spot, days, rate, yield, vol), strike 1: usual ones, wide ones, and ones with two boundaries."""
    for _ in range(120):
        yield (rng.choice(["put", "call"]), math.exp(rng.gauss(0, 0.2)), rng.randint(20, 1500),
               rng.uniform(0, 0.08), rng.uniform(0, 0.06), rng.uniform(0.1, 0.5))
    rates = [-0.05, -0.01, 0, 1e-8, 1e-4, 0.005, 0.02, 0.05, 0.1, 0.2, 0.3]
    vols = [1e-4, 1e-3, 0.01, 0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.8, 1.2, 2, 3]
    days = [1, 7, 30, 91, 182, 365, 730, 1825, 3650, 10950]
    count = 0
    while count < 240:
        d, v = rng.choice(days), rng.choice(vols)
        s = math.exp(rng.uniform(-2.3, 2.3) if rng.random() < 0.3 else rng.gauss(0, 1) * 2 * v * math.sqrt(d / 365))
        c = (rng.choice(["put", "call"]), min(max(s, 0.1), 10), d, rng.choice(rates), rng.choice(rates), v)
        if not two_boundaries(c):
            count += 1
            yield c
    for _ in range(60):
        d, v = rng.choice(days), rng.choice(vols)
        r = rng.choice([-1e-4, -0.005, -0.01, -0.02])
        q = rng.choice([-0.03, -0.04, -0.05])
        s = min(max(math.exp(rng.gauss(0, 1) * v * math.sqrt(d / 365)), 0.1), 10)
        yield ("put", s, d, r, q, v) if rng.random() < 0.5 else ("call", 1 / s, d, q, r, v)

def two_boundaries(c):
    kind, _, _, r, q, _ = c
    return q < r < 0 if kind == "put" else r < q < 0

def main():
    rng = random.Random(2026)
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "american.csv")
    dropped = 0
    with open(path, "w", newline="") as out:
        w = csv.writer(out, lineterminator="\n")
        w.writerow("kind spot strike years rate dividend_yield vol value error".split())
        for c in contracts(rng):
            kind, s, d, r, q, v = c
            s = float(f"{s:.12g}"); r = float(f"{r:.6g}"); q = float(f"{q:.6g}"); v = float(f"{v:.6g}")
            rough = tree(kind, s, 1.0, d / 365, r, q, v, 1000)
            if rough < 1e-11:
                continue
            t = tree(kind, s, 1.0, d / 365, r, q, v, 2000)
            noise = abs(t - rough)
            try:
                value = None if two_boundaries(c) else quantlib(kind, s, 1.0, d, r, q, v)
            except RuntimeError:
                value = None
            if value is None or (abs(value - t) > 3e-5 * t and v * 30 < abs(r - q) * math.sqrt(d / 365)):
                # QuantLib's quadrature misses the step of the integrand when drift outweighs vol this much.
                value, error = t, 2 * noise
            else:
                error = 0.0
                if abs(value - t) > 5 * noise + 1e-4 * t + 1e-9:
                    print("dropped: the methods disagree", c, value, t, noise)
                    dropped += 1
                    continue
            w.writerow([kind, repr(s), 1, repr(d / 365), repr(r), repr(q), repr(v), f"{value:.12g}", f"{error:.1e}"])
    print("dropped", dropped)

if __name__ == "__main__":
    main()
