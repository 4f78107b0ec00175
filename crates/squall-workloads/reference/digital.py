"""Writes digital.csv: cash- and asset-or-nothing prices at 50 digits. Run: python digital.py (mpmath)."""
import random
from blackscholes import digital, write
from european import random_inputs

KINDS = ("cash_call", "cash_put", "asset_call", "asset_put")

if __name__ == "__main__":
    rng = random.Random(21)
    inputs = [(s, k, t, 0.05, 0.02, vol) for s, k in ((1e8, 1e8), (1e-6, 1e-6), (100.0, 101.0), (1e8, 1e-6), (1e-6, 1e8))
              for t in (1e-8, 1.0, 60.0) for vol in (0.0, 1e-6, 0.2, 5.0)]
    inputs += [random_inputs(rng) for _ in range(300)]
    rows = []
    for n, i in enumerate(inputs):
        i = (*i, rng.choice((1.0, 100.0, 1e6)))
        rows.append((KINDS[n % 4], i, digital(KINDS[n % 4], *i)))
    write("digital.csv", "kind,spot,strike,years,rate,dividend_yield,vol,cash,price", rows)
