"""Writes bachelier.csv: prices under a normal forward price at 50 digits, prices and strikes below zero too. Run: python bachelier.py (mpmath)."""
import random
from math import exp
from mpmath import mp, mpf, exp as mexp, sqrt, pi
from blackscholes import GUARD, cdf, write

KINDS = ("vanilla_call", "vanilla_put", "cash_call", "cash_put", "asset_call", "asset_put")


def bachelier(kind, s, k, t, r, q, vol, amount):
    payoff, option = kind.split("_")
    sign = 1 if option == "call" else -1
    with mp.extradps(GUARD):
        s, k, t, r, q, vol, amount = map(mpf, (s, k, t, r, q, vol, amount))
        forward, discount, v = s * mexp((r - q) * t), mexp(-r * t), vol * sqrt(t)
        if v == 0:
            is_in = sign * (forward - k) > 0 or (forward == k and sign == 1)
            paid = {"vanilla": max(sign * (forward - k), mpf(0)), "cash": amount * is_in, "asset": forward * is_in}[payoff]
            return discount * paid
        d = (forward - k) / v
        chance, density = cdf(sign * d), mexp(-d * d / 2) / sqrt(2 * pi)
        if payoff == "vanilla":
            return discount * (sign * (forward - k) * chance + v * density)
        return discount * (amount * chance if payoff == "cash" else forward * chance + sign * v * density)


def random_inputs(rng):
    """An oil market half of the time, else anywhere, often close to at the money."""
    if rng.random() < 0.5:
        t, r, q = rng.uniform(0.003, 5), rng.uniform(-0.02, 0.1), rng.uniform(-0.05, 0.1)
        return rng.uniform(-60, 140), rng.uniform(-60, 140), t, r, q, rng.uniform(2, 80)
    t = 60 * 10 ** rng.uniform(-9.7, 0)
    r, q = rng.uniform(-0.05, 0.3), rng.uniform(-0.05, 0.3)
    s = rng.choice((-1, 1)) * 10 ** rng.uniform(-6, 6)
    vol = abs(s) * 10 ** rng.uniform(-4, 2)
    pick = rng.random()
    if pick < 0.2:
        k = s
    elif pick < 0.8:
        k = s * exp((r - q) * t) + rng.gauss(0, 3) * vol * t ** 0.5
    else:
        k = rng.choice((-1, 1)) * 10 ** rng.uniform(-6, 6)
    return s, k, t, r, q, vol


def edges():
    for s, k in ((0.0, 0.0), (-37.63, 10.0), (20.0, -5.0), (0.0, 12.0), (100.0, 100.0000001), (-1e6, 1e6)):
        for t in (1e-8, 1.0, 60.0):
            for vol in (0.2, 20.0, 5000.0):
                yield s, k, t, 0.05, 0.02, vol
    # Wings, of a price that does not drift.
    for distance in (0.5, 2, 5, 8, 12, 20, 30, 36):
        yield -40.0, -40.0 + distance * 3.0, 1.0, 0.0, 0.0, 3.0
        yield 40.0, 40.0 - distance * 3.0, 1.0, 0.0, 0.0, 3.0


if __name__ == "__main__":
    rng = random.Random(23)
    inputs = list(edges()) + [random_inputs(rng) for _ in range(150)]
    rows = []
    for n, i in enumerate(inputs):
        i = (*i, rng.choice((1.0, 100.0, 1e6)))
        for kind in (KINDS[n % 2], KINDS[2 + n % 2], KINDS[4 + n % 2]):
            rows.append((kind, i, bachelier(kind, *i)))
    write("bachelier.csv", "kind,spot,strike,years,rate,dividend_yield,vol,cash,price", rows)
