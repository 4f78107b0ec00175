"""Compares bonds, floating-rate notes and swaps of random conventions with QuantLib's.

usage: bonds.py SQUALL [CASES] [SEED]

Schedules with and without odd first and last periods, month ends, calendars, adjustments, ex-dividend periods and settlement lags; dirty
price, clean price, accrued interest and yield. A price is per 100 of face. Exits with 1 if a figure is off by more than rounding.
"""

import datetime
import random
import sys

import QuantLib as ql
from against import Worst, prices

FREQUENCIES = {"annual": ql.Annual, "semiannual": ql.Semiannual, "quarterly": ql.Quarterly, "monthly": ql.Monthly}
MONTHS = {"annual": 12, "semiannual": 6, "quarterly": 3, "monthly": 1}
ADJUSTMENTS = {
    "unadjusted": ql.Unadjusted,
    "following": ql.Following,
    "modified_following": ql.ModifiedFollowing,
    "preceding": ql.Preceding,
}
DAY_COUNTS = ["ACT/ACT-ICMA", "ACT/ACT-ICMA", "ACT/ACT-ISDA", "30/360", "30E/360", "ACT/360", "ACT/365F"]
CLOSED = ["2026-05-04", "2026-05-05", "2027-01-01", "2027-12-31", "2030-02-11"]
COLUMNS = (
    "id,book,kind,currency,quantity,face,notional,coupon,fixed_rate,fixed_leg,frequency,day_count,start,maturity,current_fixing,"
    "floating_frequency,floating_day_count,first_coupon,last_coupon,end_of_month,calendar,adjustment,accrual_dates,ex_dividend,"
    "settlement_days,spread"
).split(",")


def iso(date):
    return f"{date.year():04}-{date.month():02}-{date.dayOfMonth():02}"


def calendars():
    """QuantLib's calendar of each name."""
    closed = ql.BespokeCalendar("closed")
    closed.addWeekend(ql.Saturday)
    closed.addWeekend(ql.Sunday)
    for day in CLOSED:
        closed.addHoliday(ql.Date(day, "%Y-%m-%d"))
    target, uk = ql.TARGET(), ql.UnitedKingdom(ql.UnitedKingdom.Settlement)
    return {
        "WEEKENDS": ql.WeekendsOnly(),
        "TARGET": target,
        "UK": uk,
        "US-GOVT": ql.UnitedStates(ql.UnitedStates.GovernmentBond),
        "US-SETTLEMENT": ql.UnitedStates(ql.UnitedStates.Settlement),
        "TARGET+UK": ql.JointCalendar(target, uk, ql.JoinHolidays),
        "CLOSED": closed,
    }


def day_counter(name, schedule=None):
    if name == "ACT/ACT-ICMA":
        return ql.ActualActual(ql.ActualActual.ISMA, schedule) if schedule else ql.ActualActual(ql.ActualActual.ISMA)
    return {
        "ACT/ACT-ISDA": ql.ActualActual(ql.ActualActual.ISDA),
        "30/360": ql.Thirty360(ql.Thirty360.BondBasis),
        "30E/360": ql.Thirty360(ql.Thirty360.EurobondBasis),
        "ACT/360": ql.Actual360(),
        "ACT/365F": ql.Actual365Fixed(),
    }[name]


class Case:
    """One position with random conventions: its line of the positions file, and the same of QuantLib."""

    def __init__(self, rng, kind, number, today, curve, known):
        self.rng, self.kind, self.today, self.curve = rng, kind, today, curve
        self.row = {"id": f"{kind}-{number}", "book": "b", "kind": kind, "currency": "EUR", "quantity": "1"}
        self.frequency = rng.choice(list(FREQUENCIES))
        self.tenor = ql.Period(MONTHS[self.frequency], ql.Months)
        self.day_count = rng.choice(DAY_COUNTS)
        self.calendar_name = rng.choice(list(known))
        self.calendar = known[self.calendar_name]
        self.adjustment = rng.choice(["unadjusted", "following", "modified_following", "preceding"])
        self.draw_dates()
        self.row.update(frequency=self.frequency, day_count=self.day_count, maturity=iso(self.maturity))

    def draw_dates(self):
        """Regular dates before a last one, and what may stick out at both ends."""
        rng = self.rng
        months = MONTHS[self.frequency]
        last = ql.Date(rng.randint(1, 28), rng.randint(1, 12), self.today.year() + rng.randint(1, 30))
        at_end = rng.random() < 0.35
        if at_end:
            last = ql.Date.endOfMonth(last)
        self.end_of_month = at_end and rng.random() < 0.7
        n_regular = rng.randint(1, 30 * 12 // months)
        first = ql.NullCalendar().advance(last, -n_regular * months, ql.Months, ql.Unadjusted, self.end_of_month)
        # A day that an earlier month lacks would make two grids of one.
        self.is_clipped = not self.end_of_month and last.dayOfMonth() > 28
        self.front, self.back = rng.choice(["", "", "short", "long"]), rng.choice(["", "", "", "short", "long"])
        part = lambda kind: max(2, int((months * 30) * (rng.uniform(0.05, 0.9) if kind == "short" else rng.uniform(1.1, 1.9))))
        self.start = first - part(self.front) if self.front else ql.NullCalendar().advance(
            first, -months, ql.Months, ql.Unadjusted, self.end_of_month)
        self.maturity = last + part(self.back) if self.back else last
        self.first, self.last = first if self.front else None, last if self.back else None
        if self.start >= self.today or self.maturity <= self.today + 7 or self.is_clipped:
            # Not what this is about: draw others.
            return self.draw_dates()
        self.row["start"] = iso(self.start)
        if self.front == "long" or (self.front and rng.random() < 0.5):
            self.row["first_coupon"] = iso(first)
        else:
            self.row.pop("first_coupon", None)
        self.row["last_coupon"] = iso(last) if self.back else ""
        self.row["end_of_month"] = ("yes" if self.end_of_month else "no") if ql.Date.isEndOfMonth(last) else ""
        return None

    def schedule(self, calendar=None, adjustment=ql.Unadjusted):
        return ql.Schedule(self.start, self.maturity, self.tenor, calendar or ql.NullCalendar(), adjustment, adjustment,
                           ql.DateGeneration.Backward, self.end_of_month, self.first or ql.Date(), self.last or ql.Date())

    def line(self):
        return ",".join(str(self.row.get(column, "")) for column in COLUMNS)


class FixedBond(Case):
    def __init__(self, rng, *given):
        super().__init__(rng, "fixed_bond", *given)
        coupon = rng.choice([0.0, 0.026, round(rng.uniform(0.0, 0.09), 5)])
        ex, lag = rng.choice(["", "", "7BD", "14D", "1BD", "30D"]), rng.choice(["", 0, 1, 2, 3, 5])
        long_front = self.front == "long"
        if self.end_of_month and self.day_count == "ACT/ACT-ICMA" and (self.back == "long" or (self.back and long_front)):
            # Without the schedule QuantLib cuts long periods at other days than month ends, with it short last periods wrongly.
            self.day_count = "ACT/ACT-ISDA"
        moves = self.adjustment != "unadjusted" and self.day_count != "ACT/ACT-ICMA" and rng.random() < 0.3
        self.row.update(face=100, coupon=coupon, day_count=self.day_count, calendar=self.calendar_name, adjustment=self.adjustment, ex_dividend=ex,
                        settlement_days=lag, accrual_dates="adjusted" if moves else rng.choice(["", "unadjusted"]))
        self.settlement = self.today if lag == "" else self.calendar.advance(self.today, lag, ql.Days)
        convention = ADJUSTMENTS[self.adjustment]
        schedule = self.schedule(self.calendar, convention) if moves else self.schedule()
        self.counter = day_counter(self.day_count, schedule if self.end_of_month and long_front else None)
        ex_period, ex_calendar = ql.Period(0, ql.Days), ql.NullCalendar()
        if ex:
            n = int(ex.rstrip("BD"))
            ex_period, ex_calendar = ql.Period(n, ql.Days), self.calendar if ex.endswith("BD") else ql.NullCalendar()
        self.make = lambda payments: ql.FixedRateBond(
            0, 100.0, schedule, [coupon], self.counter, payments, 100.0, self.start, self.calendar,
            ex_period, ex_calendar, ql.Unadjusted, False)
        self.bond, self.unadjusted = self.make(convention), self.make(ql.Unadjusted)

    def expected(self):
        """Dirty price, then clean price, accrued interest and yield; nothing for those where QuantLib has another definition."""
        bond, settlement = self.bond, self.settlement
        dirty = ql.CashFlows.npv(bond.cashflows(), self.curve, False, self.today, self.today)
        if settlement >= self.maturity or settlement >= max(flow.date() for flow in bond.cashflows()):
            return dirty, None
        coupons = [ql.as_fixed_rate_coupon(flow) for flow in bond.cashflows()]
        if any(it and it.accrualEndDate() <= settlement < it.date() for it in coupons):
            # Between the end of a period and its payment QuantLib lets the next one accrue nothing.
            return dirty, None
        if any(it and it.accrualStartDate() >= settlement and it.exCouponDate() != ql.Date() and it.exCouponDate() <= settlement for it in coupons):
            # Nor does it take off that the coupon of a period that has not begun trades apart already.
            return dirty, None
        accrued = bond.accruedAmount(settlement)
        clean = ql.CashFlows.npv(bond.cashflows(), self.curve, False, settlement, settlement) - accrued
        # To the dates before adjustment. Ex-dividend days are counted from the payment, which is that date there.
        as_unadjusted = lambda one, it: one.date() > settlement and it.exCouponDate() != ql.Date() and it.exCouponDate() <= settlement
        plain = [ql.as_fixed_rate_coupon(flow) for flow in self.unadjusted.cashflows()]
        paid_early = any(a and a.date() <= settlement < b.date() for a, b in zip(coupons, plain))
        same = not paid_early and all((a is None) or as_unadjusted(a, a) == as_unadjusted(b, b) for a, b in zip(coupons, plain) if b is None or b.date() > settlement)
        if not same:
            return dirty, (clean, accrued, None)
        price = ql.BondPrice(clean, ql.BondPrice.Clean)
        try:
            rate = ql.BondFunctions.bondYield(self.unadjusted, price, self.counter, ql.Compounded, FREQUENCIES[self.frequency],
                                              settlement, 1e-13, 1000, 0.03)
        except RuntimeError:
            rate = None
        return dirty, (clean, accrued, rate)


class FloatingBond(Case):
    def __init__(self, rng, *given):
        super().__init__(rng, "floating_bond", *given)
        self.day_count = rng.choice(DAY_COUNTS[2:])
        spread, fixing = rng.choice([0.0, 0.0125]), round(rng.uniform(0.0, 0.05), 5)
        self.row.update(face=100, spread=spread or "", current_fixing=fixing, calendar=self.calendar_name, day_count=self.day_count,
                        adjustment=self.adjustment)
        convention = ADJUSTMENTS[self.adjustment]
        schedule = self.schedule(self.calendar, convention)
        handle = ql.YieldTermStructureHandle(self.curve)
        self.index = ql.IborIndex("i", self.tenor, 0, ql.EURCurrency(), ql.NullCalendar(), convention, self.end_of_month,
                                  day_counter(self.day_count), handle)
        self.bond = ql.FloatingRateBond(0, 100.0, schedule, self.index, day_counter(self.day_count), convention, 0, [], [spread])
        self.index.clearFixings()
        for flow in self.bond.cashflows():
            coupon = ql.as_floating_rate_coupon(flow)
            if coupon and coupon.accrualStartDate() <= self.today:
                self.index.addFixing(coupon.fixingDate(), fixing, True)
        self.values = self.valued(handle)

    def valued(self, handle):
        self.bond.setPricingEngine(ql.DiscountingBondEngine(handle))
        if self.bond.cashflows()[-1].date() <= self.today:
            return None, None
        accrued = self.bond.accruedAmount(self.today)
        return self.bond.NPV(), (self.bond.NPV() - accrued, accrued, None)

    def expected(self):
        return self.values


class Swap(Case):
    def __init__(self, rng, *given):
        super().__init__(rng, "swap", *given)
        self.day_count = rng.choice(DAY_COUNTS[2:])
        rate, fixing, pays = round(rng.uniform(0.0, 0.06), 5), round(rng.uniform(0.0, 0.05), 5), rng.random() < 0.5
        floating = self.frequency if self.front or self.back else rng.choice(list(FREQUENCIES))
        other = rng.choice(DAY_COUNTS[2:])
        self.row.update(notional=100, fixed_rate=rate, fixed_leg="pay" if pays else "receive", current_fixing=fixing,
                        floating_frequency=floating, floating_day_count=other, calendar=self.calendar_name, day_count=self.day_count,
                        adjustment=self.adjustment)
        convention = ADJUSTMENTS[self.adjustment]
        fixed_schedule = self.schedule(self.calendar, convention)
        self.tenor = ql.Period(MONTHS[floating], ql.Months)
        handle = ql.YieldTermStructureHandle(self.curve)
        index = ql.IborIndex("s", self.tenor, 0, ql.EURCurrency(), ql.NullCalendar(), convention, self.end_of_month,
                             day_counter(other), handle)
        swap = ql.VanillaSwap(ql.Swap.Payer if pays else ql.Swap.Receiver, 100.0, fixed_schedule, rate, day_counter(self.day_count),
                              self.schedule(self.calendar, convention), index, 0.0, day_counter(other))
        index.clearFixings()
        for flow in swap.floatingLeg():
            coupon = ql.as_floating_rate_coupon(flow)
            if coupon.accrualStartDate() <= self.today:
                index.addFixing(coupon.fixingDate(), fixing, True)
        swap.setPricingEngine(ql.DiscountingSwapEngine(handle, False))
        self.value = swap.NPV(), None

    def expected(self):
        return self.value


def main(squall, n_cases=4000, seed=1):
    rng = random.Random(seed)
    known = calendars()
    worst = {name: Worst(name, tolerance) for name, tolerance in [
        ("fixed bonds, dirty price", 1e-10), ("fixed bonds, clean price", 1e-9), ("fixed bonds, accrued interest", 1e-10),
        ("fixed bonds, yield", 1e-10), ("floating bonds, dirty price", 1e-9), ("floating bonds, clean price", 1e-9),
        ("floating bonds, accrued interest", 1e-10), ("swaps, value", 1e-9)]}
    per_date = 200
    for first in range(0, n_cases, per_date):
        day = datetime.date(2026, 1, 1) + datetime.timedelta(rng.randint(0, 1500))
        today = ql.Date(day.day, day.month, day.year)
        ql.Settings.instance().evaluationDate = today
        points = [(1, 0.02), (730, 0.025), (3650, 0.032), (14600, 0.03)]
        zeros = ql.ZeroCurve([today] + [today + days for days, _ in points], [points[0][1]] + [rate for _, rate in points],
                             ql.Actual365Fixed(), ql.NullCalendar(), ql.Linear(), ql.Continuous)
        zeros.enableExtrapolation()
        market = {
            "valuation_date": day.isoformat(),
            "report_currency": "EUR",
            "curves": {"EUR": {"currency": "EUR", "interpolation": "linear_zero",
                               "points": [{"tenor": f"{days}D", "rate": rate} for days, rate in points]}},
            "calendars": {"CLOSED": {"holidays": CLOSED}},
        }
        cases = []
        for number in range(first, min(first + per_date, n_cases)):
            kind = FixedBond if number % 2 == 0 else rng.choice([FloatingBond, Swap])
            try:
                case = kind(rng, number, today, zeros, known)
                cases.append((case, *case.expected()))
            except RuntimeError as error:
                sys.exit(f"{kind.__name__}-{number}: {error}")
        cases = [it for it in cases if it[1] is not None]
        lines = [",".join(COLUMNS)] + [case.line() for case, *_ in cases]
        ours = prices(squall, "\n".join(lines) + "\n", market)
        for case, dirty, quote in cases:
            what = f"{day}: {case.line()}"
            mine = ours[case.row["id"]]
            if case.kind == "swap":
                worst["swaps, value"].see(what, mine["price"], dirty)
                continue
            name = "fixed bonds" if case.kind == "fixed_bond" else "floating bonds"
            worst[f"{name}, dirty price"].see(what, mine["price"], dirty)
            keys = ("clean_price", "accrued_interest", "yield")
            for key, label, theirs in zip(keys, ("clean price", "accrued interest", "yield"), quote or ()):
                if theirs is not None:
                    worst[f"{name}, {label}"].see(what, mine.get(key, float("nan")), theirs)
    results = [it.end() for it in worst.values()]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
