"""Writes normal.csv: cdf, inverse cdf and erfcx at 50 digits. Run: python normal.py (mpmath)."""
import random
from mpmath import mp, mpf, exp, erfc, pi, sqrt
from blackscholes import cdf, write

if __name__ == "__main__":
    rng = random.Random(25)
    rows = []
    with mp.extradps(40):
        for x in [-37.5, -8.0, -1.0, 0.0, 1e-9, 5.0] + [rng.uniform(-37.5, 8) for _ in range(60)]:
            rows.append(("cdf", (x,), cdf(mpf(x))))
        for x in [-26.5, -1.0, 0.0, 1e-9] + [rng.uniform(-26.5, 10) for _ in range(40)] + [10 ** rng.uniform(1, 3) for _ in range(20)]:
            rows.append(("erfcx", (x,), exp(mpf(x) ** 2) * erfc(mpf(x))))
        for p in [0.25, 0.075, 1e-300] + [rng.random() for _ in range(30)] + [10 ** rng.uniform(-300, -1) for _ in range(30)]:
            start = -sqrt(-2 * mp.log(p)) if p < 0.05 else mpf(p) - 0.5
            for _ in range(12):  # Newton on the logarithm, which is nearly quadratic
                start -= (mp.log(cdf(start)) - mp.log(p)) * cdf(start) / (exp(-start ** 2 / 2) / sqrt(2 * pi))
            rows.append(("inverse_cdf", (p,), start))
    write("normal.csv", "kind,argument,value", rows)
