"""Writes barrier.csv: single-barrier prices at 50 digits. Run: python barrier.py (mpmath)."""
import random
from math import exp
from blackscholes import barrier, write

KINDS = [f"{d}_{k}_{p}" for d in ("down", "up") for k in ("in", "out") for p in ("call", "put")]


def random_inputs(rng, kind):
    """spot, strike, years, rate, dividend_yield, vol, level, rebate: everyday 40 % of the time, else anywhere in the limits."""
    side = -1 if kind.startswith("down") else 1
    if rng.random() < 0.4:
        t, vol, r, q = rng.uniform(0.01, 5), rng.uniform(0.05, 0.8), rng.uniform(-0.03, 0.1), rng.uniform(0, 0.06)
        s = rng.uniform(20, 500)
        k, h = s * exp(rng.gauss(0, 0.3)), s * exp(side * abs(rng.gauss(0, 0.2)))
        return s, k, t, r, q, vol, h, rng.choice((0.0, 3.0, s / 10))
    t, vol = 60 * 10 ** rng.uniform(-9.7, 0), 5 * 10 ** rng.uniform(-6.6, 0)
    r, q = rng.uniform(-0.05, 0.3), rng.uniform(-0.05, 0.3)
    if rng.random() < 0.3:  # first-passage integrals that oscillate: |drift| below vol sqrt(-2 rate)
        r = rng.uniform(-0.05, -0.001)
        q = r - vol * vol / 2 + rng.uniform(-1, 1) * vol * (-2 * r) ** 0.5
        if abs(q) > 0.3:
            vol = 0.3
            q = r - vol * vol / 2 + rng.uniform(-1, 1) * vol * (-2 * r) ** 0.5
    s = 10 ** rng.uniform(-6, 8)
    v = vol * t ** 0.5
    drift = (r - q) * t
    h = s * exp(side * abs(rng.choice((0.0, drift)) + rng.gauss(0, 2) * min(v, 5)))
    pick = rng.random()
    k = s if pick < 0.1 else h if pick < 0.2 else s * exp(drift + rng.gauss(0, 2) * min(v, 5))
    return s, min(max(k, 1e-6), 1e8), t, r, q, vol, min(max(h, 1e-7), 1e9), rng.choice((0.0, 3.0, s / 10))


def edges():
    for kind in KINDS:
        for level in ((95.0, 100.0, 80.0) if kind.startswith("down") else (105.0, 100.0, 125.0)):
            for t, r, q, vol in ((0.0, 0.08, 0.04, 0.25), (0.5, 0.08, 0.04, 0.25), (0.5, 0.0, 0.0, 0.25), (1.0, 0.2, 0.0, 0.0),
                                 (1.0, 0.0, 0.25, 0.0), (1.0, 0.2, 0.0, 1e-6), (60.0, -0.05, -0.05, 0.2), (60.0, 0.05, 0.02, 5.0)):
                yield kind, (100.0, 102.0, t, r, q, vol, level, 3.0)


def all_inputs(rng, count):
    yield from edges()
    for n in range(count):
        kind = KINDS[n % 8]
        yield kind, random_inputs(rng, kind)


if __name__ == "__main__":
    rows = [(kind, i, barrier(kind, *i)) for kind, i in all_inputs(random.Random(22), 240)]
    write("barrier.csv", "kind,spot,strike,years,rate,dividend_yield,vol,level,rebate,price", rows)
