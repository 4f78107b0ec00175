"""Fits the polynomial and rational coefficients of `pricing/normal.rs`, and of EXP and LOG_RATIO in `pricing/elementary.rs`.

Run: python fit_kernels.py   (needs mpmath). Prints Rust constants and the largest relative error of each fit.
"""
import sys
from mpmath import mp, mpf, erfc, exp, sqrt, cos, pi, log, atanh, matrix, lu_solve, polyroots, chebyfit, taylor

mp.dps = 60


def tail(d):
    """Phi(-d) exp(d^2 / 2) for d >= 0."""
    return exp(d * d / 2) * erfc(d / sqrt(mpf(2))) / 2 if d < 200 else asymptotic(d)


def asymptotic(d):
    term, total = mpf(1), mpf(0)
    for n in range(40):
        total += term
        term *= -(2 * n + 1) / (d * d)
    return total / (d * sqrt(2 * pi))


def rational(n, c, iterations=12):
    """Type (n-1, n) in d on [0, inf), Remez for the relative error in u = (d-c)/(d+c)."""
    m = 2 * n  # unknowns p_0..p_{n-1}, q_0..q_{n-1}; q_n = 1
    to_d = lambda u: c * (1 + u) / (1 - u)
    nodes = [to_d(cos(pi * (2 * i + 1) / (2 * m))) for i in range(m)]
    def solve(xs):
        a, b = matrix(m, m), matrix(m, 1)
        for row, x in enumerate(xs):
            f = tail(x)
            w = 1 / (1 + x) ** n / f
            for j in range(n):
                a[row, j] = x ** j * w
                a[row, n + j] = -f * x ** j * w
            b[row] = f * x ** n * w
        s = lu_solve(a, b)
        return [s[j] for j in range(n)], [s[n + j] for j in range(n)] + [mpf(1)]
    def err(p, q, x):
        f = tail(x)
        return sum(v * x ** j for j, v in enumerate(p)) / sum(v * x ** j for j, v in enumerate(q)) / f - 1
    p, q = solve(nodes)
    # move the nodes by equalising the bumps between them
    us = sorted([(x - c) / (x + c) for x in nodes])
    for _ in range(iterations):
        edges = [mpf(-1)] + us + [mpf('0.99999')]
        peaks = []
        for lo, hi in zip(edges, edges[1:]):
            peaks.append(max(abs(err(p, q, to_d(lo + (hi - lo) * k / 8))) for k in range(0 if lo == -1 else 1, 8)))
        if max(peaks) / min(peaks) < 1.3:
            break
        widths = [(hi - lo) * (1 / peak) ** mpf('0.04') for (lo, hi), peak in zip(zip(edges, edges[1:]), peaks)]
        total = sum(widths)
        at, us = mpf(-1), []
        for w in widths[:-1]:
            at += 2 * w / total
            us.append(at)
        us[-1] = min(us[-1], mpf('0.9999'))
        p, q = solve([to_d(u) for u in us])
    return p, q, max(peaks)


def show(name, values):
    print(f"{name}: [f64; {len(values)}] = [")
    for v in values:
        print(f"    {float(v)!r},")
    print("];")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        for n in (8, 9, 10, 11, 12):
            for c in (2, 3, 4):
                p, q, e = rational(n, mpf(c), 6)
                print(n, c, mp.nstr(e, 3), all(v > 0 for v in p + q), flush=True)
        sys.exit()
    p, q, e = rational(int(11), mpf(3), 40)
    print("tail error", mp.nstr(e, 3))
    show("TAIL_NUMERATOR", p)
    show("TAIL_DENOMINATOR", q)
    half = log(mpf(2)) / 2 * mpf('1.0001')
    f = lambda r: (exp(r) - 1 - r) / r ** 2 if abs(r) > mpf('1e-12') else mpf(1) / 2 + r / 6
    poly, e = chebyfit(f, [-half, half], 10, error=True)
    print("exp error", mp.nstr(e * half ** 2, 3))
    show("EXP", poly[::-1])
    z = ((sqrt(mpf(2)) - 1) / (sqrt(mpf(2)) + 1)) ** 2 * mpf('1.001')
    g = lambda w: (2 * atanh(sqrt(w)) / sqrt(w) - 2) / w if w > mpf('1e-20') else mpf(2) / 3
    poly, e = chebyfit(g, [0, z], 7, error=True)
    print("log error", mp.nstr(e * z / 2, 3))
    show("LOG_RATIO", poly[::-1])
