"""Writes voigt.csv: the real part of the Faddeeva function at 50 digits. Run: python voigt.py (mpmath)."""
import random
from mpmath import mp, mpc, exp, erfc
from blackscholes import write

if __name__ == "__main__":
    rng = random.Random(24)
    points = [(x / 8, y) for x in range(0, 20) for y in (0.0, 0.01, 0.3, 1.0)]
    points += [(rng.uniform(0, 6), 10 ** rng.uniform(-6, 2)) for _ in range(80)]
    rows = []
    for x, y in points:
        with mp.extradps(60):
            z = mpc(x, y)
            rows.append(("voigt", (x, y), (exp(-z * z) * erfc(mpc(0, -1) * z)).real))
    write("voigt.csv", "kind,real,imaginary,value", rows)
