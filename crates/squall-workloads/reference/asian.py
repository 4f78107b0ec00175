"""References for discrete arithmetic Asian options by Carverhill and Clewlow's recursion (1990), integrated by Gauss
and Hermite against a spline on a fine grid. Writes asian.csv.

With Y_n = 1 and Y_{i} = 1 + e^{X_{i+1}} Y_{i+1} (X the log returns), the sum of the fixings is S e^{X_1} Y_1.
"""
import csv, math, os
import numpy as np
from scipy.interpolate import CubicSpline

def price(call, spot, strike, r, q, v, n, last, past_sum, n_past, n_grid=2501, n_gauss=64):
    dt = last / n
    mu, sd = (r - q - v * v / 2) * dt, v * math.sqrt(dt)
    x, w = np.polynomial.hermite_e.hermegauss(n_gauss)
    w = w / w.sum()
    k = (strike * (n + n_past) - past_sum) / spot          # strike of the sum of returns, in spots
    scale = spot / (n + n_past) * math.exp(-r * last)
    sign = 1 if call else -1
    # value as function of remaining: f_i(a) = E[max(sign (e^a * (e^{X_1} + e^{X_1+X_2} + ...)_i - 1), 0)]
    span = 8 * v * math.sqrt(last) + 3
    grid = np.linspace(-span - math.log(n) - 1, span + 1, n_grid)
    # one step left, exactly: Black on e^a e^X against strike 1; general strike c via homogeneity is handled by the
    # recursion on z = ln((level) / (strike left)).
    from scipy.special import ndtr
    def black(z):
        m = (z + mu) / sd
        return sign * (np.exp(z + mu + sd * sd / 2) * ndtr(sign * (m + sd)) - ndtr(sign * m))
    def certain(z, steps):
        """strike left c <= 0 with level e^z per unit |c| (c = -1): payoff is certain for a call, none for a put."""
        g = math.exp(mu + sd * sd / 2)
        return (np.exp(z) * sum(g ** i for i in range(1, steps + 1)) + 1) if call else 0 * z
    f = black
    for steps in range(2, n + 1):
        spl = f if steps == 2 else CubicSpline(grid, f_values)
        out = np.empty(n_grid)
        for i, z in enumerate(grid):
            # integrate over the next return; kink where the strike left crosses zero: split there, Gauss-Legendre each
            lo, hi = -9.0, 9.0
            cross = (-z - mu) / sd
            total = 0.0
            ends = [lo, min(max(cross, lo), hi), hi]
            for a, b in zip(ends[:-1], ends[1:]):
                if b <= a: continue
                u = 0.5 * (a + b) + 0.5 * (b - a) * GL[0]
                ww = GL[1] * 0.5 * (b - a) * np.exp(-u * u / 2) / math.sqrt(2 * math.pi)
                level = np.exp(z + mu + sd * u)
                c = 1 - level
                if b <= cross + 1e-12:
                    c = np.maximum(c, 1e-300)
                    zz = np.log(level / c)
                    val = np.where(zz <= grid[-1], spl(np.minimum(np.maximum(zz, grid[0]), grid[-1])), 0)
                    if call:
                        g = math.exp(mu + sd * sd / 2)
                        far = np.exp(np.minimum(zz, 700)) * sum(g ** j for j in range(1, steps)) - 1
                        val = np.where(zz > grid[-1], far, val)
                        val = np.where(zz < grid[0], 0, val)
                    else:
                        val = np.where(zz < grid[0], 1 - np.exp(zz) * (steps - 1), val)
                    total += np.sum(ww * c * val)
                elif call:
                    g = math.exp(mu + sd * sd / 2)
                    total += np.sum(ww * (level * (1 + sum(g ** j for j in range(1, steps))) - 1))
            out[i] = total
        f_values = out
    z0 = -math.log(k)
    return scale * k * float(f(z0) if n == 1 else CubicSpline(grid, f_values)(z0))

GL = np.polynomial.legendre.leggauss(80)

def main():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "asian.csv")
    with open(path, "w", newline="") as out:
        w = csv.writer(out, lineterminator="\n")
        w.writerow("kind spot strike rate dividend_yield vol n_fixings last past_sum n_past value".split())
        for n in (2, 4, 12):
            for v in (0.1, 0.3, 0.8):
                for i, m in enumerate((0.9, 1.0, 1.1)):
                    kind = ("call", "put")[(n // 2 + i) % 2]
                    row = (100.0, 100.0 * m, 0.05, 0.02, v, n, 1.0, 0.0, 0)
                    w.writerow([kind, *row, f"{price(kind == 'call', *row, n_grid=801):.8g}"])
        for kind in ("call", "put"):
            row = (100.0, 102.0, -0.01, 0.03, 0.4, 6, 0.5, 290.0, 3)
            w.writerow([kind, *row, f"{price(kind == 'call', *row, n_grid=801):.8g}"])

if __name__ == "__main__":
    main()
