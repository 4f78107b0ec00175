"""Term life from first principles, without Squall: month by month, to 40 digits, from the files of a job.

    first_principles.py FOLDER

reads job.json and the files that it names, and prints what `--csv` writes for the base and the scenarios of the file, but for `points` and
with 12 decimals. Only the standard library; nothing here is shared with the crate.
"""

import csv
import json
import sys
from decimal import ROUND_HALF_EVEN, Decimal, getcontext
from functools import cache
from pathlib import Path

getcontext().prec = 40
TWELFTH = 1 / Decimal(12)
folder = Path(sys.argv[1])
job = json.loads((folder / "job.json").read_text())["input"]


def rows(name):
    with open(folder / name, newline="") as file:
        return list(csv.DictReader(file))


mortality = {(int(row["age"]), year): Decimal(row[str(year)]) for row in rows(job["mortality"]) for year in range(6)}
curve = {int(row["year"]): Decimal(row["rate"]) for row in rows(job["curve"])}
lapse = {year: max(Decimal("0.1") - Decimal("0.02") * year, Decimal("0.02")) for year in range(100)}
BASE = {"scenario": "base", "shift": "0", "twist": "0", "mortality": "1", "lapse": "1"}


class Scenario:
    def __init__(self, row):
        self.name = row["scenario"]
        self.shift, self.twist, self.death, self.leave = (Decimal(row[it]) for it in ("shift", "twist", "mortality", "lapse"))
        self.q, self.l = cache(self.q), cache(self.l)
        self.discount, self.inflation = cache(self.discount), cache(self.inflation)

    def q(self, age, year):
        rate = min(mortality[age, min(year, 5)] * self.death, Decimal(1))
        return 1 - (1 - rate) ** TWELFTH

    def l(self, year):
        return 1 - (1 - min(lapse[year] * self.leave, Decimal(1))) ** TWELFTH

    def discount(self, month):
        year = month // 12
        moved = self.shift + self.twist * min(Decimal(year) / 10 - 1, Decimal(1))
        rate = curve[year] + max(min(moved, Decimal("0.05")), Decimal("-0.05"))
        return (1 + rate) ** (Decimal(-month) / 12)

    def inflation(self, month):
        return Decimal("1.01") ** (Decimal(month) / 12)


def present_values(scenario, age, term, months, sum_assured, premium):
    """Of one policy: claims, policies in force, premiums, expenses, commissions."""
    alive = Decimal(1)
    claims = in_force = premiums = expenses = commissions = Decimal(0)
    for month in range(months, 12 * term):
        year, time = month // 12, month - months
        discount = scenario.discount(time)
        deaths = alive * scenario.q(age + year, year)
        lapses = (alive - deaths) * scenario.l(year)
        claims += sum_assured * deaths * discount
        in_force += alive * discount
        premiums += premium * alive * discount
        expenses += alive * 60 / 12 * scenario.inflation(time) * discount
        if month == 0:
            expenses += 300 * alive * discount
        if year == 0:
            commissions += premium * alive * discount
        alive -= deaths + lapses
    return claims, in_force, premiums, expenses, commissions


base = Scenario(BASE)
points = rows(job["points"])
for point in points:
    age, term, amount = int(point["age_at_entry"]), int(point["policy_term"]), Decimal(point["sum_assured"])
    claims, in_force, *_ = present_values(base, age, term, 0, amount, Decimal(0))
    net = claims / in_force
    point["premium"] = (net * Decimal("1.5")).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
print("scenario,product,premiums,claims,expenses,commissions,net_cash_flow,reserve")
for scenario in [base, *(Scenario(row) for row in rows(job["scenarios"]))]:
    sums = {}
    for point in points:
        age, term, amount = int(point["age_at_entry"]), int(point["policy_term"]), Decimal(point["sum_assured"])
        months, count = int(point["duration_months"]), Decimal(point["policy_count"])
        claims, _, premiums, expenses, commissions = present_values(scenario, age, term, months, amount, point["premium"])
        net = premiums - claims - expenses - commissions
        values = [it * count for it in (premiums, claims, expenses, commissions, net, max(Decimal(0), -net))]
        before = sums.get(point["product"], [Decimal(0)] * 6)
        sums[point["product"]] = [total + value for total, value in zip(before, values)]
    for product, values in sums.items():
        print(scenario.name, product, *(f"{value:.12f}" for value in values), sep=",")
