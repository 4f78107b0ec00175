"""Coefficients of LN_TAIL, SIN and COS in `pricing/elementary.rs`: Chebyshev interpolants in 60-digit arithmetic, in
monomial form. (LN_TAIL is LN without its first coefficient, which is 2.)
"""
import mpmath as mp
mp.mp.dps = 60

def fit(f, lo, hi, deg):
    """Monomial coefficients (lowest first) of the degree `deg` Chebyshev interpolant of f on [lo, hi]."""
    n = deg + 1
    xs = [mp.cos(mp.pi * (k + mp.mpf(1) / 2) / n) for k in range(n)]
    ys = [f((hi + lo) / 2 + (hi - lo) / 2 * x) for x in xs]
    ch = [2 / mp.mpf(n) * mp.fsum(ys[k] * mp.cos(mp.pi * j * (k + mp.mpf(1) / 2) / n) for k in range(n)) for j in range(n)]
    ch[0] /= 2
    t0, t1 = [mp.mpf(1)], [mp.mpf(0), mp.mpf(1)]
    out = [mp.mpf(0)] * n
    for j in range(n):
        for i, c in enumerate(t0):
            out[i] += ch[j] * c
        nxt = [mp.mpf(0)] + [2 * c for c in t1]
        for i, c in enumerate(t0):
            nxt[i] -= c
        t0, t1 = t1, nxt
    # substitute x = (u - mid)/half
    mid, half = (hi + lo) / 2, (hi - lo) / 2
    if mid != 0 or half != 1:
        res = [mp.mpf(0)] * n
        for i, c in enumerate(out):
            for k in range(i + 1):
                res[k] += c * mp.binomial(i, k) * (-mid) ** (i - k) / half ** i
        out = res
    return out

def report(name, cs, f, lo, hi):
    err = 0
    for i in range(2001):
        x = lo + (hi - lo) * mp.mpf(i) / 2000
        p = mp.mpf(0)
        for c in reversed(cs):
            p = p * x + mp.mpf(float(c))
        err = max(err, abs(p / f(x) - 1))
    print(f"/// Greatest relative error of the rounded polynomial: {mp.nstr(err, 2)}.")
    print(f"const {name}: [f64; {len(cs)}] = [")
    for c in cs:
        print(f"    {float(c)!r},")
    print("];")

def lnf(u):
    if u == 0: return mp.mpf(2)
    s = mp.sqrt(abs(u))
    return mp.log((1 + s) / (1 - s)) / s if u > 0 else 2 * mp.atan(s) / s
hi = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2 * mp.mpf('1.001')
report("LN", fit(lnf, mp.mpf(0), hi, 7), lnf, mp.mpf(0), hi)
hi = mp.mpf(1) / 64 * mp.mpf('1.0001')
f = lambda u: mp.sin(2 * mp.pi * mp.sqrt(u)) / mp.sqrt(u) if u > 0 else 2 * mp.pi
report("SIN", fit(f, mp.mpf(0), hi, 6), f, mp.mpf(0), hi)
f = lambda u: mp.cos(2 * mp.pi * mp.sqrt(u))
report("COS", fit(f, mp.mpf(0), hi, 7), f, mp.mpf(0), hi)
