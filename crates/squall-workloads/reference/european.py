"""Writes european.csv: vanilla prices at 50 digits. Run: python european.py (mpmath)."""
import random
from blackscholes import vanilla, write
from math import exp


def random_inputs(rng):
    """Everyday half of the time, else anywhere in the limits, often close to at the money."""
    if rng.random() < 0.5:
        t, vol, r, q = rng.uniform(0.01, 10), rng.uniform(0.05, 0.8), rng.uniform(-0.02, 0.1), rng.uniform(0, 0.06)
        s = rng.uniform(20, 500)
        return s, s * exp(rng.gauss(0, 0.5)), t, r, q, vol
    t = 60 * 10 ** rng.uniform(-9.7, 0)
    vol = 5 * 10 ** rng.uniform(-6.6, 0)
    r, q = rng.uniform(-0.05, 0.3), rng.uniform(-0.05, 0.3)
    s = 10 ** rng.uniform(-6, 8)
    pick = rng.random()
    if pick < 0.2:
        k = s
    elif pick < 0.7:
        k = s * exp((r - q) * t + rng.gauss(0, 3) * vol * t ** 0.5)
    else:
        k = 10 ** rng.uniform(-6, 8)
    return s, min(max(k, 1e-6), 1e8), t, r, q, vol


def edges():
    for s, k in ((1e8, 1e8), (1e-6, 1e-6), (100.0, 100.0), (100.0, 100.0000001), (1e8, 1e-6), (1e-6, 1e8)):
        for t in (0.0, 1e-8, 1.0, 60.0):
            for vol in (0.0, 1e-6, 0.2, 5.0):
                yield s, k, t, 0.05, 0.02, vol
    yield 100.0, 105.0, 1.0, -0.05, 0.3, 0.2
    yield 42.0, 40.0, 0.5, 0.1, 0.0, 0.2
    yield 1e8, 100000010.0, 1e-8, 0.05, 0.02, 1e-6


if __name__ == "__main__":
    rng = random.Random(20)
    cases = [(kind, i) for i in edges() for kind in ("call", "put")]
    cases += [(("call", "put")[n % 2], random_inputs(rng)) for n in range(250)]
    rows = [(kind, i, vanilla(kind, *i)) for kind, i in cases]
    write("european.csv", "kind,spot,strike,years,rate,dividend_yield,vol,price", rows)
