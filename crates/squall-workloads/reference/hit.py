"""Writes hit.csv: one unit of cash at the first touch of a barrier, by 50-digit quadrature of the first-passage density.

No closed form is used, so this checks the continuation of block F to negative rates. Run: python hit.py (mpmath).
"""
import random
from mpmath import mp, mpf, exp, log, pi, quad, sqrt, linspace
from blackscholes import write

mp.dps = 50


def hit(kind, s, t, r, q, vol, h):
    s, t, r, q, vol, h = map(mpf, (s, t, r, q, vol, h))
    side = -1 if kind == "down" else 1
    far, drift = side * log(h / s), side * (r - q - vol ** 2 / 2)
    # In u = far / (vol sqrt(time)) the density is smooth and decays like a normal one.
    start = far / (vol * sqrt(t))
    def f(u):
        time = (far / (vol * u)) ** 2
        return exp(-r * time - (far - drift * time) ** 2 / (2 * vol ** 2 * time))
    points = [start + (w ** 2) * 24 for w in linspace(mpf(0), mpf(1), 25)]
    return 2 / sqrt(2 * pi) * quad(f, points)


if __name__ == "__main__":
    rng = random.Random(23)
    rows = []
    for n in range(64):
        kind = ("down", "up")[n % 2]
        r, vol = rng.uniform(-0.05, -0.001), rng.uniform(0.05, 0.8)
        if n >= 48:
            r = rng.uniform(0.0, 0.1)
        slope = rng.uniform(-1.2, 1.2) * vol * abs(2 * r) ** 0.5
        q = r - vol * vol / 2 - slope
        t = rng.choice((0.1, 1.0, 5.0, 30.0, 60.0))
        h = 100.0 * 2.718281828459045 ** ((-1 if kind == "down" else 1) * abs(rng.gauss(0, 1)) * vol * t ** 0.5)
        i = (100.0, t, r, q, vol, h)
        rows.append((kind, i, hit(kind, *i)))
    write("hit.csv", "kind,spot,years,rate,dividend_yield,vol,level,price", rows)
