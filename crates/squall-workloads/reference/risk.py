"""Independent figures for the tests of risk.rs and scenarios (numpy, scipy). Prints what the tests hold."""
import numpy as np, scipy.stats as st
from fractions import Fraction as F

pnl = [((i * 7919) % 10007) ** 2 - 40_000_000 for i in range(1000)]
a = np.array(pnl, dtype=float)
print("mean", sum(pnl), "/ 1000", "std", repr(a.std(ddof=1)))
print("skew", repr(st.skew(a)), "kurt", repr(st.kurtosis(a)))
for q in ("0.01", "0.05", "0.25", "0.5", "0.75", "0.95", "0.99"):
    print("quantile", q, np.quantile(pnl, float(F(q)), method="inverted_cdf"))
for level in ("0.95", "0.99", "0.975", "0.9973"):
    # expected shortfall as the integral of the quantile function (Acerbi, Tasche 2002, definition 2.6)
    p = 1 - F(level); n = len(pnl); x = sorted(pnl)
    es = -sum(F(v) * max(F(0), min(p, F(i + 1, n)) - F(i, n)) for i, v in enumerate(x)) / p
    print("level", level, "VaR", -np.quantile(pnl, 1 - float(level) - 1e-13, method="inverted_cdf"), "ES", es, float(es))
for n, p in ((100, 0.5), (250, 0.01), (1000, 0.01), (5000, 0.025), (1000000, 0.05), (10, 0.5), (20, 0.05), (10000000, 0.01)):
    lo = int(st.binom.ppf(0.025, n, p))          # smallest k with cdf >= 2.5 %: P(B <= k - 1) < 2.5 %
    hi = int(st.binom.ppf(0.975, n, p)) + 1
    print("interval", n, p, lo if lo >= 1 else None, hi if hi <= n else None)
rng = np.random.default_rng(1)
n, level, runs = 2000, 0.95, 4000
k = round(n * (1 - level)); es, se = [], []
for _ in range(runs):
    x = np.sort(-rng.standard_t(5, n))[::-1]; tail = x[:k]; e = tail.mean(); es.append(e)
    se.append(np.sqrt((tail.var(ddof=1) + level * (e - tail[-1]) ** 2) / k))
print("ES standard error: simulated", np.std(es), "formula, mean", np.mean(se))
m = np.array([[4, 2, -2], [2, 10, 2], [-2, 2, 9]], float)
print(np.linalg.cholesky(m))
import csv
rows = list(csv.reader(open("../demo/history.csv")))[1:]
h = np.array([[float(v) for v in r[1:]] for r in rows]); h[:, 3] *= 0.01
d = np.column_stack([np.diff(np.log(h[:, :3]), axis=0), np.diff(h[:, 3])])
print("history cov", repr(np.cov(d, rowvar=False)[0]), repr((d.T @ d / len(d))[0]))
