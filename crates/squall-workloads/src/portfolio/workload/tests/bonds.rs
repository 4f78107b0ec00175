//! Conventions of bonds and swaps, from the positions file to the report.

use expect_test::expect;
use serde_json::json;
use squall_core::data::NoData;
use squall_core::laws;

use super::*;
use crate::portfolio::market::Market;

/// The report of positions in one currency with a flat curve.
fn job(csv: &str, valuation_date: &str, rate: f64, age: &Value) -> PortfolioInput {
    let market = json!({
        "valuation_date": valuation_date, "report_currency": "EUR",
        "curves": {"EUR": {"currency": "EUR", "points": [{"tenor": 1, "rate": rate}]}},
        "calendars": {"OWN": {"holidays": ["2026-01-16", "2026-01-19"]}}
    });
    let scenarios = json!({"type": "explicit", "csv": "scenario,rate:EUR\nup,0.01\n"});
    let report = json!({"positions": true, "histogram": 0});
    let input = json!({"positions": {"csv": csv}, "market": market, "scenarios": scenarios, "age": age, "report": report});
    serde_json::from_value(input).unwrap()
}

fn report(input: PortfolioInput) -> Report {
    let prepared = PortfolioRisk::prepare(input, &Given::default()).unwrap();
    let whole = PortfolioRisk::whole(&prepared);
    let partial = PortfolioRisk::evaluate(&prepared, &whole, &mut NoData).unwrap();
    PortfolioRisk::report(&prepared, Some(&partial), &Coverage { weight_done: 1, weight_total: 1 })
}

fn json_of(csv: &str, valuation_date: &str, rate: f64) -> Value {
    serde_json::to_value(report(job(csv, valuation_date, rate, &json!(false)))).unwrap()
}

/// The price of the only position.
fn price(csv: &str, valuation_date: &str, rate: f64) -> f64 {
    json_of(csv, valuation_date, rate)["positions"][0]["price"].as_f64().unwrap()
}

fn money(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

const BOND: &str = "id,book,kind,currency,quantity,face,coupon,frequency,day_count,start,maturity,first_coupon,last_coupon,end_of_month,\
                    calendar,adjustment,ex_dividend,settlement_days\n";

/// Expected: QuantLib 1.44's FixedRateBond with ActualActual(ISMA), dirty.
#[test]
fn government_bonds_are_worth_what_their_issuers_conventions_say() {
    for (bond, valuation_date, rate, expected) in [
        // DE000BU2Z056: bears interest from 4 July 2025 and first pays on 15 August 2026.
        (
            "0.026,annual,ACT/ACT-ICMA,2025-07-04,2035-08-15,2026-08-15,,,,,,",
            "2026-01-15",
            0.0265,
            100.649660074817,
        ),
        // A US Treasury note that pays at the ends of months.
        ("0.04,semiannual,ACT/ACT-ICMA,,2027-02-28,,,,,,,", "2026-09-01", 0.04, 100.007660283277),
        // A gilt in its seven business days.
        ("0.0425,semiannual,ACT/ACT-ICMA,,2036-03-07,,,,UK,,7BD,", "2026-02-27", 0.045, 97.475081950992),
        // 30 June and 30 December, or the ends of both months.
        ("0.05,semiannual,ACT/ACT-ICMA,,2028-06-30,,,no,,,,", "2026-01-15", 0.04, 102.435144226610),
        ("0.05,semiannual,ACT/ACT-ICMA,,2028-06-30,,,,,,,", "2026-01-15", 0.04, 102.434627210565),
    ] {
        let price = price(&format!("{BOND}X,b,fixed_bond,EUR,1,100,{bond}\n"), valuation_date, rate);
        assert!((price - expected).abs() < 1e-10, "{bond}: {price}, expected {expected}");
    }
}

#[test]
fn a_report_quotes_bonds_and_counts_projected_fixings() {
    let csv = "id,book,kind,currency,quantity,face,coupon,frequency,day_count,start,maturity,first_coupon,calendar,adjustment,\
               settlement_days,spread,current_fixing,notional,fixed_rate,fixed_leg\n\
               BUND,b,fixed_bond,EUR,1,100,0.026,annual,ACT/ACT-ICMA,2025-07-04,2035-08-15,2026-08-15,TARGET,following,2,,,,,\n\
               FRN,b,floating_bond,EUR,1,100,,quarterly,ACT/360,,2028-03-15,,TARGET,modified_following,,0.004,0.021,,,\n\
               FRN-P,b,floating_bond,EUR,1,100,,quarterly,ACT/360,,2028-03-15,,TARGET,modified_following,,0.004,projected,,,\n\
               W,b,swap,EUR,1,,,annual,30E/360,2025-06-15,2030-06-15,,,,,,projected,100,0.02,pay\n\
               Z,b,zero_bond,EUR,1,100,,,,,2028-03-15,,,,,,,,,\n";
    let report = report(job(csv, "2026-01-15", 0.0265, &json!(false)));
    let text = report.to_string();
    let table = text.split_once("POSITIONS").unwrap().1;
    expect![[r#"
        , 5 of 5 valued
          position  book  kind                price            clean   accrued    yield  value (EUR)
          BUND      b     fixed_bond     100.648906  EUR   99.260606  1.417534  2.6871%       100.65
          FRN       b     floating_bond  100.978483  EUR  100.763206  0.215278                100.98
          FRN-P     b     floating_bond  101.109205  EUR  100.849202  0.260004                101.11
          W         b     swap             3.203274  EUR                                        3.20
          Z         b     zero_bond       94.425770  EUR                                       94.43
    "#]]
    .assert_eq(table);
    assert!(text.contains("5 in 1 book; running fixings projected from a curve: 2"), "{text}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["fixings_projected"], 2);
    let bund = &json["positions"][0];
    for (key, expected) in [
        ("price", 100.648906012710),
        ("clean_price", 99.260605556143),
        ("accrued_interest", 1.417534246575),
        ("yield", 0.026870997358),
    ] {
        assert!((bund[key].as_f64().unwrap() - expected).abs() < 1e-10, "{key}: {}", bund[key]);
    }
    // 31 days of 2.5 % since 15 December.
    let accrued = json["positions"][1]["accrued_interest"].as_f64().unwrap();
    assert!((accrued - 2.5 * 31.0 / 360.0).abs() < 1e-12, "{accrued}");
    assert!(json["positions"][1].get("yield").is_none());
    for other in [3, 4] {
        assert!(json["positions"][other].get("clean_price").is_none());
    }
}

#[test]
fn a_projected_swap_is_not_short_of_what_has_accrued() {
    let head = "id,book,kind,currency,quantity,notional,start,maturity,fixed_rate,fixed_leg,frequency,day_count,current_fixing\n";
    let value = |fixing: &str| {
        price(
            &format!(
                "{head}X,b,swap,EUR,1,10000000,2025-07-18,2030-07-18,0.041,pay,semiannual,ACT/365F,{fixing}\n"
            ),
            "2026-01-15",
            0.04,
        )
    };
    // Half a year at the curve's 4 %, where nothing would be 200,000 less.
    assert!((value("projected") - value("0.04")).abs() < 500.0);
    assert!(value("projected") - value("0") > 190_000.0);
}

#[test]
fn payments_settlement_and_ex_dividend_days_follow_the_markets_own_calendar() {
    let quoted = |columns: &str| {
        let json = json_of(
            &format!("{BOND}X,b,fixed_bond,EUR,1,100,0.05,annual,30/360,,{columns}\n"),
            "2026-01-15",
            0.04,
        );
        let of = |key: &str| json["positions"][0][key].as_f64().unwrap();
        (of("price"), of("accrued_interest"))
    };
    // The next business day after 15 January is the 20th: five days of 360 later.
    let (plain, accrued) = quoted("2028-06-15,,,,,,,");
    let (settled, accrued_then) = quoted("2028-06-15,,,,OWN,,,1");
    assert!((accrued_then - accrued - 5.0 * 5.0 / 360.0).abs() < 1e-12, "{accrued} {accrued_then}");
    assert_eq!(plain, settled);
    // A payment of the 16th is made on the 20th, by five hundred cents less of discount, or on the 15th, which is over.
    let (_, next) = quoted("2028-01-16,,,,OWN,following,,");
    assert!((next - 5.0 * 359.0 / 360.0).abs() < 1e-12, "{next}");
    let (_, over) = quoted("2028-01-16,,,,OWN,preceding,,");
    assert!(over.abs() < 1e-12, "{over}");
    // One business day before the 20th is the 15th.
    let (_, without) = quoted("2028-01-16,,,,OWN,following,1BD,");
    assert!((without + 5.0 / 360.0).abs() < 1e-12, "{without}");
}

/// Aged by some days, less what was paid until then and has earned the curve's rate, a position is worth what it is on that day.
#[test]
fn bonds_age_with_their_conventions() {
    let gilt = format!(
        "{BOND}X,b,fixed_bond,EUR,1,100,0.0425,semiannual,ACT/ACT-ICMA,,2036-03-07,,,,UK,following,7BD,1\n"
    );
    let long = format!(
        "{BOND}X,b,fixed_bond,EUR,1,100,0.026,annual,ACT/ACT-ICMA,2025-07-04,2035-08-15,2026-08-15,,,TARGET,following,,2\n"
    );
    let note = "id,book,kind,currency,quantity,face,frequency,day_count,maturity,spread,current_fixing,calendar,adjustment\n\
                X,b,floating_bond,EUR,1,100,quarterly,ACT/360,2028-03-15,0.004,0.021,TARGET,following\n";
    for (csv, from, to, days, paid, days_since) in [
        // Nothing is paid.
        (gilt.as_str(), "2026-01-15", "2026-02-14", 30, 0.0, 0),
        // Held over its ex-dividend day: the coupon is the holder's, though the bond trades without it.
        (gilt.as_str(), "2026-02-20", "2026-03-02", 10, 2.125, -7),
        // Paid on Monday the 9th.
        (gilt.as_str(), "2026-02-20", "2026-03-12", 20, 2.125, 3),
        // Bought without its coupon.
        (gilt.as_str(), "2026-02-27", "2026-03-12", 13, 0.0, 0),
        (long.as_str(), "2026-08-14", "2026-08-20", 6, 2.6 * (1.0 + 42.0 / 365.0), 3),
        (note, "2026-01-15", "2026-02-14", 30, 0.0, 0),
    ] {
        let aged = serde_json::to_value(report(job(csv, from, 0.03, &json!(days)))).unwrap();
        let aged = money(&aged["base_value"]) + money(&aged["ageing"]["pnl"]);
        let kept = paid * (0.03 * f64::from(days_since) / 365.0).exp();
        let expected = price(csv, to, 0.03) + kept;
        assert!((aged - expected).abs() < 3e-6, "{from} to {to}: {aged}, expected {expected}");
    }
}

#[test]
fn bonds_of_all_conventions_obey_the_laws() {
    let csv = "id,book,kind,currency,quantity,face,coupon,frequency,day_count,start,maturity,first_coupon,last_coupon,calendar,\
               adjustment,ex_dividend,settlement_days,spread,current_fixing\n\
               A,b,fixed_bond,EUR,7,100,0.026,annual,ACT/ACT-ICMA,2025-07-04,2035-10-15,2026-08-15,2035-08-15,TARGET+OWN,following,30D,2,,\n\
               B,b,floating_bond,EUR,3,100,,monthly,ACT/360,,2028-03-15,,,TARGET,modified_following,,,0.004,projected\n";
    for seed in 0..3 {
        laws::check::<PortfolioRisk>(job(csv, "2026-01-15", 0.0265, &json!(7)), &Files::new(), seed).unwrap();
    }
}

/// What is told of one position, or `fine`.
fn told(csv: &str) -> String {
    let input = job(csv, "2026-01-15", 0.03, &json!(false));
    PortfolioRisk::prepare(input, &Given::default())
        .map_or_else(|error| error.to_string(), |_| "fine".to_owned())
}

#[test]
fn a_convention_that_does_not_fit_is_refused_with_the_way_out() {
    let bond = |row: &str| told(&format!("{BOND}X,b,fixed_bond,EUR,1,100,0.05,{row}\n"));
    let all = [
        bond("annual,ACT/ACT,,2028-06-15,,,,,,,"),
        bond("annual,Actual/Actual (Bond),,2028-06-15,,,,,,,"),
        bond("annual,act/act icma,,2028-06-15,,,,,,,"),
        bond("annual,30/360,,2028-06-15,2026-06-15,,,,,,"),
        bond("annual,30/360,2025-07-01,2028-06-15,2026-07-15,,,,,,"),
        bond("annual,30/360,2025-07-01,2028-06-15,2025-06-15,,,,,,"),
        bond("annual,30/360,2025-07-01,2028-06-15,2028-07-15,,,,,,"),
        bond("annual,30/360,2025-07-01,2028-06-15,2026-06-15,2026-01-01,,,,,"),
        bond("annual,30/360,2025-07-01,2028-06-15,,2028-06-15,,,,,"),
        bond("annual,30/360,2025-07-01,2028-06-15,,2025-06-15,,,,,"),
        bond("annual,30/360,,2028-06-15,,,yes,,,,"),
        bond("annual,30/360,,2028-06-30,,,true,,,,"),
        bond("annual,30/360,,2028-06-15,,,,,following,,"),
        bond("annual,30/360,,2028-06-15,,,,,,,2"),
        bond("annual,30/360,,2028-06-15,,,,,,7BD,"),
        bond("annual,30/360,,2028-06-15,,,,,,14D,"),
        bond("annual,30/360,,2028-06-15,,,,NYSE,following,,"),
        bond("annual,30/360,,2028-06-15,,,,TARGET,,,"),
        bond("annual,30/360,,2028-06-15,,,,TARGET + OWN,modified,,"),
        bond("annual,30/360,,2028-06-15,,,,TARGET,following,7,"),
        bond("annual,30/360,,2028-06-15,,,,TARGET,following,0D,"),
        bond("annual,30/360,,2028-06-15,,,,TARGET,following,,31"),
        bond("annual,30/360,,2026-01-16,,,,OWN,preceding,,"),
        bond("annual,30/360,,2026-01-15,,,,,,,"),
        bond(
            "annual,30/360,2025-07-01,2028-06-15,2026-06-15,2027-06-15,,TARGET+OWN,modified_following,7BD,2",
        ),
    ];
    expect![[r#"
        input.positions.csv:2:9 (day_count): "ACT/ACT" may be one of two: write ACT/ACT-ICMA (also called ISMA or bond; government bonds, each regular coupon the same) or ACT/ACT-ISDA (days in leap years / 366; swaps)
        input.positions.csv:2:9 (day_count): "Actual/Actual (Bond)" may be one of two: write ACT/ACT-ICMA (also called ISMA or bond; government bonds, each regular coupon the same) or ACT/ACT-ISDA (days in leap years / 366; swaps)
        input.positions.csv:2:9 (day_count): "act/act icma" may be one of two: write ACT/ACT-ICMA (also called ISMA or bond; government bonds, each regular coupon the same) or ACT/ACT-ISDA (days in leap years / 366; swaps)
        input.positions.csv:2:10 (start): is empty; the period to the first_coupon 2026-06-15 needs it
        input.positions.csv:2:12 (first_coupon): 2026-07-15 is no whole number of annual periods before the maturity 2028-06-15; the nearest such dates are 2026-06-15 and 2027-06-15
        input.positions.csv:2:12 (first_coupon): 2025-06-15 must be after the start 2025-07-01
        input.positions.csv:2:12 (first_coupon): 2028-07-15 must not be after the maturity 2028-06-15
        input.positions.csv:2:12 (first_coupon): 2026-06-15 must not be after the last_coupon 2026-01-01
        input.positions.csv:2:13 (last_coupon): 2028-06-15 must be before the maturity 2028-06-15
        input.positions.csv:2:13 (last_coupon): 2025-06-15 must be after the start 2025-07-01
        input.positions.csv:2:14 (end_of_month): 2028-06-15, the last regular date, is not at the end of its month; write no, or leave it empty
        input.positions.csv:2:14 (end_of_month): "true" is not one of yes, no
        input.positions.csv:2:15 (calendar): is empty; adjustment needs one, write WEEKENDS, TARGET, UK, US-GOVT, US-SETTLEMENT, OWN, several joined by + like TARGET+UK, or one of the market's calendars
        input.positions.csv:2:15 (calendar): is empty; settlement_days needs one, write WEEKENDS, TARGET, UK, US-GOVT, US-SETTLEMENT, OWN, several joined by + like TARGET+UK, or one of the market's calendars
        input.positions.csv:2:15 (calendar): is empty; ex_dividend needs one, write WEEKENDS, TARGET, UK, US-GOVT, US-SETTLEMENT, OWN, several joined by + like TARGET+UK, or one of the market's calendars
        fine
        input.positions.csv:2:15 (calendar): "NYSE" is no calendar; write WEEKENDS, TARGET, UK, US-GOVT, US-SETTLEMENT, OWN, several joined by + like TARGET+UK, or one of the market's calendars
        input.positions.csv:2:16 (adjustment): is empty; with a calendar write following, modified_following or preceding, or unadjusted if payments stay on holidays
        input.positions.csv:2:16 (adjustment): "modified" is not one of unadjusted, following, modified_following, preceding
        input.positions.csv:2:17 (ex_dividend): "7" is no number of days from 1 to 60 with its unit; write 7BD for business days, 14D for calendar days
        input.positions.csv:2:17 (ex_dividend): "0D" is no number of days from 1 to 60 with its unit; write 7BD for business days, 14D for calendar days
        input.positions.csv:2:18 (settlement_days): "31" is not a whole number from 0 to 30
        input.positions.csv:2:11 (maturity): 2026-01-16 is paid on 2026-01-15, which is not after the valuation date 2026-01-15
        input.positions.csv:2:11 (maturity): 2026-01-15 must be after the valuation date 2026-01-15
        fine"#]].assert_eq(&all.join("\n"));
}

#[test]
fn a_floating_bond_is_refused_without_what_it_needs() {
    let head = "id,book,kind,currency,quantity,face,frequency,day_count,start,maturity,spread,current_fixing,calendar,adjustment,coupon\n";
    let note = |row: &str| told(&format!("{head}X,b,floating_bond,EUR,1,100,{row}\n"));
    let all = [
        note("quarterly,ACT/360,,2028-03-15,,,,,"),
        note("quarterly,ACT/360,,2028-03-15,4,0.02,,,"),
        note("quarterly,ACT/360,,2028-03-15,,2.1,,,"),
        note("quarterly,ACT/360,,2028-03-15,,Projected,,,"),
        note("quarterly,ACT/ACT-ICMA,,2028-03-15,,0.02,TARGET,following,"),
        note("quarterly,ACT/ACT-ICMA,,2028-03-15,,0.02,,,"),
        note("quarterly,ACT/360,,2028-03-15,,0.02,,,0.02"),
        note("quarterly,ACT/360,2026-03-15,2028-03-15,,0.02,,,"),
        note("quarterly,ACT/360,2026-03-15,2028-03-15,,,,,"),
        note("quarterly,ACT/360,,2028-01-15,,,,,"),
    ];
    expect![[r#"
        input.positions.csv:2:12 (current_fixing): is empty; the floating period that began on 2025-12-15 runs on the valuation date 2026-01-15: write its rate, or projected for what the curve says
        input.positions.csv:2:11 (spread): 4 is out of range; a rate must be from -1 to 1, so write 4 % as 0.04, or "limits": {"rate": 10} in the market if 400 % is meant
        input.positions.csv:2:12 (current_fixing): 2.1 is out of range; a rate must be from -1 to 1, so write 2.1 % as 0.021, or "limits": {"rate": 10} in the market if 210 % is meant
        input.positions.csv:2:12 (current_fixing): "Projected" is not a number; write it like 1234.5, -0.02 or 1e6
        input.positions.csv:2:8 (day_count): ACT/ACT-ICMA counts by regular periods, and with an adjustment these periods move with their payments; write another day count, or the adjustment unadjusted
        fine
        input.positions.csv:2:15 (coupon): "0.02" must be empty; a floating_bond does not use it
        input.positions.csv:2:12 (current_fixing): must be empty; the floating_bond starts after the valuation date 2026-01-15
        fine
        fine"#]].assert_eq(&all.join("\n"));
}

#[test]
fn a_calendar_of_the_market_is_checked() {
    let all: Vec<String> = [
        json!({"TARGET": {"holidays": []}}),
        json!({"A+B": {"holidays": []}}),
        json!({"OWN": {"holidays": ["2026-13-01"]}}),
        json!({"OWN": {"holidays": ["01/02/2026"]}}),
        json!({"OWN": {"open": []}}),
        json!({"OWN": {"holidays": (1..=31).map(|day| format!("2026-03-{day:02}")).collect::<Vec<_>>()}}),
    ]
    .map(|calendars| {
        let market =
            json!({"valuation_date": "2026-01-15", "report_currency": "EUR", "calendars": calendars})
                .to_string();
        Market::parse("market.json", market.as_bytes()).unwrap_err().to_string()
    })
    .to_vec();
    expect![[r#"
        market.json (calendars.TARGET): is a calendar that a rule gives; give this one another name
        market.json (calendars.A+B): a name must not be empty, begin or end with a space, or have a plus sign, which joins calendars
        market.json (calendars.OWN.holidays[0]): "2026-13-01" is not a date; write it like 2026-12-31
        market.json (calendars.OWN.holidays[0]): "01/02/2026" is not a date; write it like 2026-12-31
        market.json:1:81 (calendars.OWN.open): unknown field `open`, expected `holidays`
        market.json (calendars.OWN.holidays): has no business day in the 20 days from 2026-03-01; list the days that are closed, not those that are open"#]].assert_eq(&all.join("\n"));
}

/// What is paid back later than the maturity, since that is no business day, has not expired yet.
#[test]
fn a_bond_expires_when_it_is_paid_back() {
    let csv = |adjustment: &str| {
        format!(
            "{BOND}X,b,fixed_bond,EUR,1,100,0.05,annual,30/360,,2026-01-16,,,,OWN,{adjustment},,\n\
             Y,b,fixed_bond,EUR,1,100,0.05,annual,30/360,,2028-01-16,,,,,,,\n"
        )
    };
    let n_expired = |adjustment: &str, valuation_date: &str| {
        let mut input = job(&csv(adjustment), valuation_date, 0.03, &json!(false));
        input.expired = serde_json::from_value(json!("skip")).unwrap();
        PortfolioRisk::prepare(input, &Given::default()).unwrap().portfolio.n_expired()
    };
    assert_eq!(n_expired("following", "2026-01-19"), 0);
    assert_eq!(n_expired("following", "2026-01-20"), 1);
    assert_eq!(n_expired("preceding", "2026-01-15"), 1);
    assert_eq!(n_expired("preceding", "2026-01-14"), 0);
    let due = price(&csv("following").lines().take(2).collect::<Vec<_>>().join("\n"), "2026-01-18", 0.03);
    assert!((due - 105.0 * (-0.03_f64 * 2.0 / 365.0).exp()).abs() < 1e-10, "{due}");
}
