"""Writes reference.txt: sums, means and variances of numbers, by Python's exact fractions.

Each row: the figure, its value (a double as hex, an integer, or `overflow`), and the numbers as JSON. float(Fraction) rounds the exact
quotient to the nearest double, ties to even. Run it without arguments, in this folder; the rows depend on the seed alone.
"""

import random
from fractions import Fraction


def rounded(exact):
    try:
        return float(exact).hex()
    except OverflowError:
        return "overflow"


def rows(numbers):
    exact = [Fraction(number) for number in numbers]
    total, n = sum(exact), len(exact)
    texts = " ".join(repr(number) for number in numbers)
    if all(isinstance(number, int) for number in numbers):
        yield f"sum {sum(numbers)} {texts}"
    else:
        yield f"sum {rounded(total)} {texts}"
    yield f"mean {rounded(total / n)} {texts}"
    spread = sum(number * number for number in exact) - total * total / n
    yield f"variance {rounded(spread / n)} {texts}"
    if n > 1:
        yield f"sample_variance {rounded(spread / (n - 1))} {texts}"


def cases():
    yield [1e308, 1e308, -1e308]
    yield [1e308, 1e308]
    yield [1.7976931348623157e308, 9.979201547673598e291]
    yield [1.7976931348623157e308, 9.979201547673597e291]
    yield [5e-324, 5e-324, -5e-324]
    yield [5e-324, 1.0]
    yield [2.2250738585072014e-308, -5e-324]
    yield [1e16, 1, -1e16]
    yield [9007199254740992.0, 1]
    yield [9007199254740992.0, 1, 5e-324]
    yield [9007199254740994.0, 1]
    yield [9007199254740994.0, 1, -5e-324]
    yield [0.1] * 10
    yield [0.1, 0.2, -0.3]
    yield [1e-160, 1e-160, 3e-160]
    yield [1e160, -1e160]
    yield [1, 2, 4]
    yield [170141183460469231731687303715884105727] * 3
    yield [-170141183460469231731687303715884105728, 5e-324]
    draw = random.Random(20261201)
    for _ in range(40):
        yield [draw.uniform(-1, 1) * 10.0 ** draw.randint(-300, 300) for _ in range(draw.randint(1, 12))]
    for _ in range(40):
        yield [draw.gauss(1e8, 1e-3) for _ in range(draw.randint(2, 20))]
    for _ in range(20):
        yield [draw.randint(-(2**127), 2**127 - 1) >> draw.randint(0, 127) for _ in range(draw.randint(1, 8))]
    for _ in range(20):
        yield [draw.choice([draw.randint(-(2**60), 2**60), draw.uniform(-1e18, 1e18)]) for _ in range(draw.randint(1, 8))]


with open("reference.txt", "w") as out:
    for numbers in cases():
        for row in rows(numbers):
            print(row, file=out)
