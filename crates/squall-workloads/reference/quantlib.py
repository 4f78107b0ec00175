"""Values the tests quote, from QuantLib (PyPI QuantLib 1.44)."""
import QuantLib as ql
from math import exp, log
today = ql.Date(15, 1, 2026)
ql.Settings.instance().evaluationDate = today
DCS = {"ACT/365F": ql.Actual365Fixed(), "ACT/360": ql.Actual360(), "ACT/ACT-ISDA": ql.ActualActual(ql.ActualActual.ISDA),
       "30/360": ql.Thirty360(ql.Thirty360.BondBasis), "30E/360": ql.Thirty360(ql.Thirty360.EurobondBasis)}
def d(s): return ql.DateParser.parseISO(s)
print("daycounts")
for a, b in [("2023-11-01","2024-05-01"),("2024-01-31","2024-02-29"),("2024-02-29","2024-08-31"),("2025-12-31","2028-03-30"),
             ("2025-08-30","2026-08-31"),("2026-01-15","2026-01-15"),("2025-02-28","2025-08-31")]:
    print(a, b, *("%.12f" % dc.yearFraction(d(a), d(b)) for dc in DCS.values()))
def curve(points, cls, comp=None):
    dates=[today]+[d(x) for x,_ in points]; rates=[points[0][1]]+[r for _,r in points]
    if cls == "zero":
        return ql.ZeroCurve(dates, rates, ql.Actual365Fixed(), ql.NullCalendar(), ql.Linear(), ql.Continuous)
    dfs=[1.0]+[exp(-r*ql.Actual365Fixed().yearFraction(today,d(x))) for x,r in points]
    return ql.DiscountCurve(dates, dfs, ql.Actual365Fixed(), ql.NullCalendar())
usd=[("2026-04-15",0.043),("2028-01-15",0.04),("2036-01-13",0.042)]
lin=curve(usd,"zero"); lld=curve(usd,"disc")
print("curves")
for x in ["2026-04-15","2027-01-15","2028-01-15","2030-07-15","2036-01-13"]:
    print(x, "%.15f %.15f" % (lin.zeroRate(d(x),ql.Actual365Fixed(),ql.Continuous).rate(), lld.zeroRate(d(x),ql.Actual365Fixed(),ql.Continuous).rate()))
def sched(start, end, freq, eom):
    return ql.Schedule(d(start), d(end), ql.Period(freq), ql.NullCalendar(), ql.Unadjusted, ql.Unadjusted, ql.DateGeneration.Backward, eom)
print("schedules")
for s,e,f,eom in [("2024-05-20","2027-02-28",ql.Quarterly,True),("2025-03-31","2026-08-31",ql.Semiannual,True),("2025-08-30","2026-11-30",ql.Quarterly,True),("2025-12-29","2026-05-29",ql.Monthly,False)]:
    print(s,e,[x.ISO() for x in sched(s,e,f,eom)])
print("bonds")
def bond(start,end,freq,dc,coupon,crv,eom=False):
    b=ql.FixedRateBond(0,100.0*10,sched(start,end,freq,eom),[coupon],DCS[dc],ql.Unadjusted)
    b.setPricingEngine(ql.DiscountingBondEngine(ql.YieldTermStructureHandle(crv)))
    return b.NPV()
for args in [("2025-10-15","2030-10-15",ql.Semiannual,"30/360",0.055,lin),("2025-10-15","2030-10-15",ql.Semiannual,"30/360",0.055,lld),
             ("2024-09-20","2031-07-04",ql.Annual,"ACT/ACT-ISDA",0.03,lin),("2025-03-10","2027-08-31",ql.Quarterly,"ACT/360",0.0475,lin,True),
             ("2026-03-01","2029-03-01",ql.Semiannual,"30E/360",0.05,lld)]:
    print(args[:5], "%.10f" % bond(*args))
print("swaps")
def swap(start,end,ff,fdc,rate,lf,ldc,crv,fixing=None,pay=True):
    h=ql.YieldTermStructureHandle(crv)
    period=ql.Period(lf)
    idx=ql.IborIndex("X",period,0,ql.USDCurrency(),ql.NullCalendar(),ql.Unadjusted,False,DCS[ldc],h)
    fs=sched(start,end,ff,False); ls=sched(start,end,lf,False)
    idx.clearFixings()
    if fixing is not None:
        for x in ls:
            if x<=today: idx.addFixing(x,fixing,True)
    s=ql.VanillaSwap(ql.Swap.Payer if pay else ql.Swap.Receiver,1e7,fs,rate,DCS[fdc],ls,idx,0.0,DCS[ldc])
    s.setPricingEngine(ql.DiscountingSwapEngine(h))
    return s.NPV()
for args in [("2025-06-17","2030-06-17",ql.Semiannual,"30/360",0.041,ql.Quarterly,"ACT/360",lin,0.0432,True),
             ("2026-07-15","2031-07-15",ql.Annual,"30E/360",0.025,ql.Semiannual,"ACT/360",lld,None,False),
             ("2026-01-15","2029-01-15",ql.Annual,"ACT/365F",0.04,ql.Annual,"ACT/365F",lin,0.0404,True)]:
    print([str(a) for a in args[:7]], args[8:], "%.8f" % swap(*args))
