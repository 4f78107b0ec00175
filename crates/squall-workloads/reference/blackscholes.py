"""Black-Scholes-Merton formulas at 50 digits (more inside), shared by the reference generators. Inputs are exact doubles."""
from mpmath import mp, mpf, mpc, erfc, exp, log, sqrt, re

mp.dps = 50
GUARD = 60


def cdf(x):
    return erfc(-x / sqrt(mpf(2))) / 2


def discounted(s, k, t, r, q):
    return s * exp(-q * t), k * exp(-r * t)


def vanilla(kind, s, k, t, r, q, vol):
    sign = 1 if kind.endswith("call") else -1
    with mp.extradps(GUARD):
        s, k, t, r, q, vol = map(mpf, (s, k, t, r, q, vol))
        if t == 0:
            return max(sign * (s - k), mpf(0))
        asset, cash = discounted(s, k, t, r, q)
        v = vol * sqrt(t)
        if v == 0:
            return max(sign * (asset - cash), mpf(0))
        d1 = log(asset / cash) / v + v / 2
        return sign * (asset * cdf(sign * d1) - cash * cdf(sign * (d1 - v)))


def digital(kind, s, k, t, r, q, vol, amount):
    sign = 1 if kind.endswith("call") else -1
    in_cash = kind.startswith("cash")
    with mp.extradps(GUARD):
        s, k, t, r, q, vol, amount = map(mpf, (s, k, t, r, q, vol, amount))
        asset, cash = discounted(s, k, t, r, q)
        pays = amount * exp(-r * t) if in_cash else asset
        v = vol * sqrt(t)
        if v == 0:
            return pays if sign * (asset - cash) > 0 else mpf(0)
        return pays * cdf(sign * (log(asset / cash) / v + (-v if in_cash else v) / 2))


def barrier(kind, s, k, t, r, q, vol, h, rebate):
    """Reiner and Rubinstein (1991), as printed in Haug, section 4.17.1."""
    direction, knock, payoff = kind.split("_")
    eta = 1 if direction == "down" else -1
    phi = 1 if payoff == "call" else -1
    if eta * (s - h) <= 0:
        return vanilla(payoff, s, k, t, r, q, vol) if knock == "in" else mpf(rebate)
    with mp.extradps(3 * GUARD):
        s, k, t, r, q, vol, h, rebate = map(mpf, (s, k, t, r, q, vol, h, rebate))
        v = vol * sqrt(t)
        if v == 0:
            b, far = r - q, log(h / s) * -eta
            reach = -eta * b * t
            hit = t > 0 and reach > 0 and reach >= far
            if knock == "in":
                return vanilla(payoff, s, k, t, r, q, vol) if hit else rebate * exp(-r * t)
            return rebate * exp(-r * far / abs(b)) if hit else vanilla(payoff, s, k, t, r, q, vol)
        mu = (r - q - vol ** 2 / 2) / vol ** 2
        radicand = mu ** 2 + 2 * r / vol ** 2
        lam = sqrt(radicand) if radicand >= 0 else mpc(0, sqrt(-radicand))
        x1 = log(s / k) / v + (1 + mu) * v
        x2 = log(s / h) / v + (1 + mu) * v
        y1 = log(h * h / (s * k)) / v + (1 + mu) * v
        y2 = log(h / s) / v + (1 + mu) * v
        z = log(h / s) / v + lam * v
        asset, cash = discounted(s, k, t, r, q)
        up2, up = exp(2 * (mu + 1) * log(h / s)), exp(2 * mu * log(h / s))
        A = phi * (asset * cdf(phi * x1) - cash * cdf(phi * (x1 - v)))
        B = phi * (asset * cdf(phi * x2) - cash * cdf(phi * (x2 - v)))
        C = phi * (asset * up2 * cdf(eta * y1) - cash * up * cdf(eta * (y1 - v)))
        D = phi * (asset * up2 * cdf(eta * y2) - cash * up * cdf(eta * (y2 - v)))
        E = rebate * exp(-r * t) * (cdf(eta * (x2 - v)) - up * cdf(eta * (y2 - v)))
        F = rebate * re(exp((mu + lam) * log(h / s)) * cdf(eta * z) + exp((mu - lam) * log(h / s)) * cdf(eta * (z - 2 * lam * v)))
        above = k >= h
        inside = {("down", "call"): C if above else A - B + D, ("up", "call"): A if above else B - C + D,
                  ("down", "put"): B - C + D if above else A, ("up", "put"): A - B + D if above else C}[direction, payoff]
        return inside + E if knock == "in" else A - inside + F


def write(path, header, rows):
    with open(path, "w") as out:
        out.write(header + "\n")
        for kind, inputs, value in rows:
            out.write(",".join([kind] + [repr(float(x)) for x in inputs] + [mp.nstr(value, 20) if value else "0.0"]) + "\n")
