use std::fmt::Write;

use expect_test::{Expect, expect};

use super::super::input::tests::{manual_csv, manual_market};
use super::*;

const HEADER: &str = "id,book,kind,underlying,currency,quantity";

fn parse(csv: &str) -> Result<Positions, InputError> {
    Positions::parse(
        "positions.csv",
        csv.as_bytes(),
        &manual_market(),
        Reading::strictly(&AsianSettings::default()),
    )
}

/// What is said about one position per line: first the columns beside [`HEADER`], then the row.
fn check(rows: &[(&str, &str)], expected: &Expect) {
    let mut seen = String::new();
    for (columns, row) in rows {
        match parse(&format!("{HEADER},{columns}\n{row}\n")) {
            Ok(_) => writeln!(seen, "fine: {row}").unwrap(),
            Err(error) => writeln!(seen, "{error}").unwrap(),
        }
    }
    expected.assert_eq(&seen);
}

#[test]
fn reads_one_of_each_kind() {
    let positions = parse(&manual_csv()).unwrap();
    assert_eq!(positions.books, ["equity", "treasury", "commodity", "rates", "credit"]);
    let mut kinds: Vec<Kind> = positions.all.iter().map(|it| it.kind).collect();
    kinds.dedup();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds, Kind::NAMES.map(|(_, kind)| kind));
    let fixing_times = |id: &str| {
        let position = positions.all.iter().find(|it| it.id == id).unwrap();
        let Instrument::Derivative(_, Contract::Asian(asian)) = &position.instrument else { panic!("{id}") };
        asian.fixings.times().into_owned()
    };
    assert_eq!(fixing_times("C1").len(), 12);
    assert_eq!(fixing_times("C1")[5..], [0.5, 7.0 / 12.0, 8.0 / 12.0, 0.75, 10.0 / 12.0, 11.0 / 12.0, 1.0]);
    assert_eq!(fixing_times("C2"), [75.0 / 365.0, 105.0 / 365.0, 166.0 / 365.0]);
}

#[test]
fn refuses_an_empty_book() {
    expect!["positions.csv:2: the book is empty, at least one position is needed"]
        .assert_eq(&parse("id,book,kind,quantity\n").unwrap_err().to_string());
}

#[test]
fn refuses_columns_and_ids_that_do_not_fit() {
    let mut seen = String::new();
    for csv in ["id,book,kind,quantity,price\n", "id,book,kind\n", "id,book,kind,quantity,id\n"] {
        writeln!(seen, "{}", parse(csv).unwrap_err()).unwrap();
    }
    let twice = format!("{HEADER}\nS1,b,spot,SPX,USD,1\nS1,b,spot,SPX,USD,1\n");
    writeln!(seen, "{}", parse(&twice).unwrap_err()).unwrap();
    expect![[r#"
        positions.csv:1:5 (price): unknown column "price"; if it is there for others, name it in ignore_columns; known are id, book, kind, quantity, underlying, currency, option_type, strike, expiry, payoff, cash_amount, barrier_type, barrier, rebate, fixings, past_fixings_sum, past_fixings_count, paths, face, notional, coupon, fixed_rate, fixed_leg, frequency, day_count, start, maturity, curve, current_fixing, floating_frequency, floating_day_count, multiplier, future_expiry, first_coupon, last_coupon, end_of_month, calendar, adjustment, accrual_dates, ex_dividend, settlement_days, spread
        positions.csv:1: the column "quantity" is missing; the columns are id, book, kind
        positions.csv:1:5 (id): this column is already column 1; each must be unique
        positions.csv:3:1 (id): "S1" is already on line 2; each must be unique
    "#]].assert_eq(&seen);
}

#[test]
fn says_what_every_position_must_have() {
    check(
        &[
            ("strike", ",b,spot,SPX,USD,1,"),
            ("strike", "X,,spot,SPX,USD,1,"),
            ("strike", "X,b,,SPX,USD,1,"),
            ("strike", "X,b,cds,SPX,USD,1,"),
            ("strike", "X,b,spot,SPX,USD,,"),
            ("strike", "X,b,spot,SPX,USD,ten,"),
            ("strike", "X,b,spot,SPX,USD,1,5000"),
            ("strike", "X,b,spot,,USD,1,"),
            ("strike", "X,b,spot,DAX,EUR,1,"),
            ("strike", "X,b,spot,SPX,EUR,1,"),
            ("strike", "X,b,spot,EURUSD,EUR,1,"),
            ("strike", "X,b,spot,SPX,SEK,1,"),
            ("strike", "X,b,spot,SPX,,1,"),
        ],
        &expect![[r#"
            positions.csv:2:1 (id): is empty; a value is needed here
            positions.csv:2:2 (book): is empty; a value is needed here
            positions.csv:2:3 (kind): is empty; a value is needed here
            positions.csv:2:3 (kind): "cds" is not one of spot, forward, european, american, digital, barrier, asian, zero_bond, fixed_bond, swap, future, cash, floating_bond
            positions.csv:2:6 (quantity): is empty; a number is needed here
            positions.csv:2:6 (quantity): "ten" is not a number; write it like 1234.5, -0.02 or 1e6
            positions.csv:2:7 (strike): "5000" must be empty; a spot does not use it
            positions.csv:2:4 (underlying): is empty; a spot needs underlying
            positions.csv:2:4 (underlying): the market has no underlying "DAX"; it has ACME, BRENT, EURUSD, SPX
            positions.csv:2:5 (currency): "EUR" is not the currency of SPX; write USD or leave it empty
            positions.csv:2:5 (currency): "EUR" is not the currency of EURUSD; write USD or leave it empty
            positions.csv:2:5 (currency): the market has no currency "SEK"; it has EUR, USD
            fine: X,b,spot,SPX,,1,
        "#]],
    );
}

#[test]
fn says_what_a_derivative_must_have() {
    let option = "option_type,strike,expiry";
    let digital = "option_type,strike,expiry,payoff,cash_amount";
    let barrier = "option_type,strike,expiry,barrier_type,barrier,rebate";
    check(
        &[
            (option, "X,b,european,SPX,USD,1,call,5000,"),
            (option, "X,b,european,SPX,USD,1,Call,5000,1"),
            (option, "X,b,european,SPX,USD,1,call,0,1"),
            (option, "X,b,european,SPX,USD,1,call,-5,1"),
            (option, "X,b,european,SPX,USD,1,call,5000,2026-01-14"),
            (option, "X,b,european,SPX,USD,1,call,5000,2026-01-15"),
            (option, "X,b,european,SPX,USD,1,call,5000,-0.5"),
            (option, "X,b,european,SPX,USD,1,call,5000,0"),
            (option, "X,b,european,SPX,USD,1,call,5000,20270115"),
            (option, "X,b,european,SPX,USD,1,call,5000,soon"),
            (option, "X,b,european,SPX,USD,1,call,5000,NaN"),
            (option, "X,b,american,,USD,1,call,5000,1"),
            (option, "X,b,forward,SPX,USD,1,call,5000,1"),
            (option, "X,b,forward,SPX,USD,1,,-1,1"),
            (option, "X,b,forward,SPX,USD,1,,0,1"),
            (digital, "X,b,digital,SPX,USD,1,call,5000,1,,"),
            (digital, "X,b,digital,SPX,USD,1,call,5000,1,gold,"),
            (digital, "X,b,digital,SPX,USD,1,call,5000,1,cash,"),
            (digital, "X,b,digital,SPX,USD,1,call,5000,1,cash,0"),
            (digital, "X,b,digital,SPX,USD,1,call,5000,1,asset,1"),
            (barrier, "X,b,barrier,SPX,USD,1,call,5000,1,down-out,4000,"),
            (barrier, "X,b,barrier,SPX,USD,1,call,5000,1,down-and-out,0,"),
            (barrier, "X,b,barrier,SPX,USD,1,call,5000,1,down-and-out,4000,-1"),
        ],
        &expect![[r#"
            positions.csv:2:9 (expiry): is empty; a european needs underlying, option_type, strike, expiry
            positions.csv:2:7 (option_type): "Call" is not one of call, put
            positions.csv:2:8 (strike): 0 must be above 0
            positions.csv:2:8 (strike): -5 must be above 0
            positions.csv:2:9 (expiry): "2026-01-14" is before the valuation date 2026-01-15; "expired": "skip" leaves it out
            fine: X,b,european,SPX,USD,1,call,5000,2026-01-15
            positions.csv:2:9 (expiry): "-0.5" is before the valuation date 2026-01-15; "expired": "skip" leaves it out
            fine: X,b,european,SPX,USD,1,call,5000,0
            positions.csv:2:9 (expiry): "20270115" is no number of years but a date without dashes; write a date like 2026-12-31
            positions.csv:2:9 (expiry): "soon" is neither a date like 2026-12-31 nor a time like 0.5 (years) or 6M
            positions.csv:2:9 (expiry): "NaN" is neither a date like 2026-12-31 nor a time like 0.5 (years) or 6M
            positions.csv:2:4 (underlying): is empty; an american needs underlying, option_type, strike, expiry
            positions.csv:2:7 (option_type): "call" must be empty; a forward does not use it
            fine: X,b,forward,SPX,USD,1,,-1,1
            fine: X,b,forward,SPX,USD,1,,0,1
            positions.csv:2:10 (payoff): is empty; a digital needs underlying, option_type, strike, expiry, payoff
            positions.csv:2:10 (payoff): "gold" is not one of cash, asset
            positions.csv:2:11 (cash_amount): is empty; a payoff of cash needs its amount
            positions.csv:2:11 (cash_amount): 0 must be above 0
            positions.csv:2:11 (cash_amount): "1" must be empty; the payoff is the asset
            positions.csv:2:10 (barrier_type): "down-out" is not one of up-and-in, up-and-out, down-and-in, down-and-out
            positions.csv:2:11 (barrier): 0 must be above 0
            positions.csv:2:12 (rebate): -1 must not be negative
        "#]],
    );
}

#[test]
fn says_what_an_asian_option_must_have() {
    let asian = "option_type,strike,expiry,fixings,past_fixings_sum,past_fixings_count,paths";
    check(
        &[
            (asian, "X,b,asian,BRENT,USD,1,call,80,1,,,,"),
            (asian, "X,b,asian,BRENT,USD,1,call,80,1,0,,,"),
            (asian, "X,b,asian,BRENT,USD,1,call,80,1,10001,,,"),
            (asian, "X,b,asian,BRENT,USD,1,call,80,1,0.5;;1,,,"),
            (asian, "X,b,asian,BRENT,USD,1,call,80,1,1;0.5,,,"),
            (asian, "X,b,asian,BRENT,USD,1,call,80,1,0.5;0.75,,,"),
            (asian, "X,b,asian,BRENT,USD,1,call,80,1,2025-12-31;1,,,"),
            (asian, "X,b,asian,BRENT,USD,1,call,80,1,0; 1.0,,,"),
            (asian, "X,b,asian,BRENT,USD,1,call,80,1,4,160,,"),
            (asian, "X,b,asian,BRENT,USD,1,call,80,1,4,,2,"),
            (asian, "X,b,asian,BRENT,USD,1,call,80,1,4,160,1.5,"),
            (asian, "X,b,asian,BRENT,USD,1,call,80,1,4,-160,2,"),
            (asian, "X,b,asian,BRENT,USD,1,call,80,1,4,160,2,3"),
            (asian, "X,b,asian,BRENT,USD,1,call,80,1,4,160,2,1e5"),
        ],
        &expect![[r#"
            positions.csv:2:10 (fixings): is empty; an asian needs underlying, option_type, strike, expiry, fixings
            positions.csv:2:10 (fixings): 0 is out of range; a count of fixings is from 1 to 10000
            positions.csv:2:10 (fixings): 10001 is out of range; a count of fixings is from 1 to 10000
            positions.csv:2:10 (fixings): "" is neither a date like 2026-12-31 nor a time like 0.5 (years) or 6M
            positions.csv:2:10 (fixings): "0.5" is not after the fixing before it
            positions.csv:2:10 (fixings): the last fixing must be at expiry
            positions.csv:2:10 (fixings): "2025-12-31" is before the valuation date 2026-01-15
            fine: X,b,asian,BRENT,USD,1,call,80,1,0; 1.0,,,
            positions.csv:2:12 (past_fixings_count): is empty; past_fixings_sum needs it
            positions.csv:2:11 (past_fixings_sum): is empty; past_fixings_count needs it
            positions.csv:2:12 (past_fixings_count): "1.5" is not a whole number from 1 to 10000
            positions.csv:2:11 (past_fixings_sum): -160 must be above 0
            positions.csv:2:13 (paths): "3" is not a whole number from 4 to 10000000
            positions.csv:2:13 (paths): "1e5" is not a whole number from 4 to 10000000
        "#]],
    );
}

#[test]
fn says_what_a_bond_or_swap_must_have() {
    let zero = "face,maturity,curve";
    let bond = "face,coupon,frequency,day_count,start,maturity,curve";
    let swap = "notional,fixed_rate,fixed_leg,frequency,day_count,start,maturity,current_fixing,floating_frequency,\
                floating_day_count";
    check(
        &[
            (zero, "X,b,zero_bond,,,1,1000,2028-01-15,"),
            (zero, "X,b,zero_bond,SPX,USD,1,1000,2028-01-15,"),
            (zero, "X,b,zero_bond,,USD,1,-1000,2028-01-15,"),
            (zero, "X,b,zero_bond,,USD,1,1000,2026-01-15,"),
            (zero, "X,b,zero_bond,,USD,1,1000,2,USD-CORP"),
            (zero, "X,b,zero_bond,,USD,1,1000,2,CORP"),
            (zero, "X,b,zero_bond,,EUR,1,1000,2,USD"),
            (zero, "X,b,zero_bond,,JPY,1,1000,2,"),
            (bond, "X,b,fixed_bond,,USD,1,1000,4.5,annual,30/360,,2028-01-15,"),
            (bond, "X,b,fixed_bond,,USD,1,1000,0.045,yearly,30/360,,2028-01-15,"),
            (bond, "X,b,fixed_bond,,USD,1,1000,0.045,annual,ACT/365,,2028-01-15,"),
            (bond, "X,b,fixed_bond,,USD,1,1000,0.045,annual,30/360,,2026-01-15,"),
            (bond, "X,b,fixed_bond,,USD,1,1000,0.045,annual,30/360,,2.5,"),
            (bond, "X,b,fixed_bond,,USD,1,1000,0.045,annual,30/360,,2826-01-15,"),
            (bond, "X,b,fixed_bond,,USD,1,1000,0.045,annual,30/360,2028-01-15,2028-01-15,"),
            (swap, "X,b,swap,,USD,1,1000,0.04,buy,annual,30/360,2025-06-17,2030-06-17,,,"),
            (swap, "X,b,swap,,USD,1,1000,0.04,pay,annual,30/360,,2030-06-17,,,"),
            (swap, "X,b,swap,,USD,1,1000,0.04,pay,annual,30/360,2026-06-17,2030-06-17,0.04,,"),
            (swap, "X,b,swap,,USD,1,1000,0.04,pay,annual,30/360,2025-06-17,2030-06-17,,quarterly,"),
            (swap, "X,b,swap,,USD,1,1000,0.04,pay,annual,30/360,2025-06-17,2030-06-17,,,ACT/360"),
            (swap, "X,b,swap,,USD,1,1000,0.04,pay,annual,30/360,2025-06-17,2030-06-17,0.04,,"),
        ],
        &expect![[r#"
            positions.csv:2:5 (currency): is empty; a zero_bond needs currency, face, maturity
            positions.csv:2:4 (underlying): "SPX" must be empty; a zero_bond does not use it
            positions.csv:2:7 (face): -1000 must be above 0
            positions.csv:2:8 (maturity): "2026-01-15" must be after the valuation date 2026-01-15
            fine: X,b,zero_bond,,USD,1,1000,2,USD-CORP
            positions.csv:2:9 (curve): there is no curve "CORP" in the market
            positions.csv:2:9 (curve): the curve "USD" is in USD; one in EUR is needed
            positions.csv:2:5 (currency): the market has no currency "JPY"; it has EUR, USD
            positions.csv:2:8 (coupon): 4.5 is out of range; a rate must be from -1 to 1, so write 4.5 % as 0.045, or "limits": {"rate": 10} in the market if 450 % is meant
            positions.csv:2:9 (frequency): "yearly" is not one of annual, semiannual, quarterly, monthly
            positions.csv:2:10 (day_count): "ACT/365" is not one of ACT/365F, ACT/360, ACT/ACT-ISDA, 30/360, 30E/360, ACT/ACT-ICMA
            positions.csv:2:12 (maturity): 2026-01-15 must be after the valuation date 2026-01-15
            positions.csv:2:12 (maturity): "2.5" is not a date; write it like 2026-12-31
            positions.csv:2:12 (maturity): 2826-01-15 is more than 200 years after the valuation date 2026-01-15
            positions.csv:2:11 (start): 2028-01-15 must be before the maturity 2028-01-15
            positions.csv:2:9 (fixed_leg): "buy" is not one of pay, receive
            positions.csv:2:12 (start): is empty; a swap needs currency, notional, start, maturity, fixed_rate, fixed_leg, frequency, day_count
            positions.csv:2:14 (current_fixing): must be empty; the swap starts after the valuation date 2026-01-15
            positions.csv:2:14 (current_fixing): is empty; the floating period that began on 2025-12-17 runs on the valuation date 2026-01-15: write its rate, or the floating_frequency if that is another than the fixed leg's, or projected for what the curve says
            positions.csv:2:16 (floating_day_count): "ACT/360" must be empty without a current_fixing
            fine: X,b,swap,,USD,1,1000,0.04,pay,annual,30/360,2025-06-17,2030-06-17,0.04,,
        "#]],
    );
}

proptest::proptest! {
    #[test]
    fn never_panics_on_any_fields(
        kind in 0_usize..Kind::NAMES.len(),
        fields in proptest::collection::vec("|0|1|-1|1e308|2026-01-15|2027-02-28|12|0.5;1|call|cash|asset|annual|30/360|up-and-in|USD|SPX|pay|é|yes|no|TARGET|UK+TARGET|following|preceding|7BD|3D|projected|ACT/ACT-ICMA|2026-08-15|9999-12-31|0001-01-01", OTHERS.len()),
    ) {
        let header: Vec<&str> = COMMON.iter().chain(&OTHERS).copied().collect();
        let row = format!("X,b,{},1,{}", Kind::NAMES[kind].0, fields.join(","));
        let _ = parse(&format!("{}\n{row}\n", header.join(",")));
    }
}

/// Few bytes that say "very many of these" are no way to use up the memory.
#[test]
fn a_book_that_takes_more_memory_than_there_is_is_refused_where_it_does() {
    let parse = |csv: &str, room_bytes| {
        let settings = AsianSettings::default();
        let reading = Reading { room_bytes: Some(room_bytes), ..Reading::strictly(&settings) };
        Positions::parse("book.csv", csv.as_bytes(), &manual_market(), reading)
    };
    let bond = |n| format!("B{n},b,fixed_bond,EUR,1,100,0.05,monthly,30/360,2225-01-31\n");
    let bonds: String = (0..20).map(bond).collect();
    let csv = format!("id,book,kind,currency,quantity,face,coupon,frequency,day_count,maturity\n{bonds}");
    assert_eq!(parse(&csv, 2_000_000).unwrap().all.len(), 20);
    assert_eq!(
        parse(&csv, 1_000_000).unwrap_err().to_string(),
        "book.csv:19:10 (maturity): has 2389 cash flows: with the rows before it the book takes more memory than the 1 MB that functions have \
         for it; cut it into several jobs, or give them more"
    );
    // A count stays a count.
    let asian = |n| format!("A{n},b,asian,ACME,1,call,100,1,10000\n");
    let asians: String = (0..1_000).map(asian).collect();
    let csv = format!("id,book,kind,underlying,quantity,option_type,strike,expiry,fixings\n{asians}");
    assert_eq!(parse(&csv, 1_000_000).unwrap().all.len(), 1_000);
    assert!(parse(&csv, 100_000).unwrap_err().place.ends_with("(id)"));
}
