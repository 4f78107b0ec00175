//! Inputs as custodians, vendors, spreadsheets and other countries write them: each is read right, or refused with what would be right.

use expect_test::expect;

use super::*;

mod vendors;

const POSITIONS: &str = "id,book,kind,underlying,quantity\nA,eq,spot,ACME,1\n";
const MARKET: &str = r#"{"valuation_date":"2026-01-15","report_currency":"USD","curves":{"USD":{"currency":"USD","points":[{"tenor":1,"rate":0.04}]}},"underlyings":{"ACME":{"class":"equity","currency":"USD","spot":100,"vol":0.3}}}"#;
const SCENARIOS: &str = r#"{"type":"explicit","csv":"scenario,spot:ACME\nbase,0\n"}"#;

/// What becomes of an input: a message, or `ok` with the numbers of positions and scenarios.
fn read(positions: &str, market: &str, scenarios: &str) -> String {
    let json = format!(
        r#"{{"positions":{{"csv":{}}},"market":{market},"scenarios":{scenarios}}}"#,
        Value::from(positions)
    );
    let input: PortfolioInput =
        match squall_core::job::from_json(squall_core::job::Place("input"), json.as_bytes()) {
            Ok(input) => input,
            Err(error) => return error.to_string(),
        };
    match PortfolioRisk::prepare(input, &Given::default()) {
        Ok(Prepared { portfolio, columns, .. }) => {
            format!(
                "ok: {} positions, {} scenarios",
                portfolio.positions().len(),
                columns.scenarios().count()
            )
        }
        Err(error) => error.to_string(),
    }
}

fn history(csv: &str, rest: &str) -> String {
    format!(r#"{{"type":"historical","csv":{}{rest}}}"#, Value::from(csv))
}

#[test]
fn positions_files_of_others_are_read_right_or_named_as_what_they_are() {
    let told = |csv: &str| read(csv, MARKET, SCENARIOS);
    let head = "id,book,kind,underlying,quantity\n";
    let option = "id,book,kind,underlying,quantity,option_type,strike,expiry\n";
    let dates = ["20260619", "46192", "2028", "19.06.2026", "6/19/2026", "2026-01-09"];
    let expired: String =
        (0..30).map(|n| format!("B{n},b,european,ACME,1,call,100,2026-01-{:02}\n", 1 + n % 14)).collect();
    let mut all = vec![
        told("\u{FEFF}id,book,kind,underlying,quantity\r\nA,eq,spot,ACME,1\r\n"),
        told(&format!("{head}\"A\",\"Müller, Söhne \"\"Co\"\"\",spot,ACME,1\n")),
        told(
            &format!("{head}A,\"Core\nB,Core,spot,ACME,1000000\nC,Core,spot,ACME,4\n")
                .replace("A,\"Core\n", "A,\"Core,spot,ACME,1\n"),
        ),
        told("id,kind,underlying,quantity,book\nA,spot,ACME,1,\"Core\nB,spot,ACME,1000000,Core\n"),
        told("id,book,kind,underlying,quantity\nA,\"two\nlines\",spot,ACME,1\n"),
        told("kind,underlying,quantity,id,book\nspot,ACME,1,\"A\" \",\"\nspot,ACME,1000000,B,Core\n"),
        told(&format!("{head}A, \"Core\",spot,ACME,1\n")),
        told("id;book;kind;underlying;quantity\nA;eq;spot;ACME;1,5\n"),
        told("id\tbook\tkind\tunderlying\tquantity\nA\teq\tspot\tACME\t1\n"),
        told(&format!("{head}A,eq,spot,ACME,\"1,5\"\n")),
        told(&format!("{head}A,eq,spot,ACME,\"1,000\"\n")),
        told(&format!("{head}A,eq\u{202E}spot,spot,ACME,1\n")),
        told(&format!("{head}A\u{200B},eq,spot,ACME,1\n")),
        told(&format!("{head}A,\u{1b}[2Jeq,spot,ACME,1\n")),
        told(&format!("{head}A,{},spot,ACME,1\n", "x".repeat(65_536))),
        told("ID,Book,Kind,Underlying,Quantity\nA,eq,spot,ACME,1\n"),
        told("id,book,kind,underlying,quantity,price\nA,eq,spot,ACME,1,2\n").chars().take(150).collect(),
        told("id,book,kind,underlying,currency,quantity\nA,eq,spot,ACME,GBp,1\n"),
        told(&format!("{option}{expired}")).lines().rev().take(2).collect::<Vec<_>>().join("\n"),
    ];
    all.extend(dates.map(|date| told(&format!("{option}A,b,european,ACME,1,call,100,{date}\n"))));
    expect![[r#"
        ok: 1 positions, 1 scenarios
        ok: 1 positions, 1 scenarios
        input.positions.csv:2:2: a quote opens here and does not close on this line; close it, or remove it
        input.positions.csv:2:5: a quote opens here and does not close on this line; close it, or remove it
        input.positions.csv:2:2: a quote opens here and does not close on this line; close it, or remove it
        input.positions.csv:2:4: this field goes on after its closing quote; write a quote inside of it twice, as in "5"" pipe"
        input.positions.csv:2:2: a space stands before the quote that opens this field; remove the space, or the quotes
        input.positions.csv:1: the fields are separated by semicolons; use commas, and points in numbers
        input.positions.csv:1: the fields are separated by tabs; use commas, and points in numbers
        input.positions.csv:2:5 (quantity): "1,5" is not a number; write it like 1234.5, -0.02 or 1e6
        input.positions.csv:2:5 (quantity): "1,000" is not a number; write it like 1234.5, -0.02 or 1e6
        input.positions.csv:2:2 (book): "eq\u{202e}spot" has the invisible character U+202E; remove it
        input.positions.csv:2:1 (id): "A\u{200b}" has the invisible character U+200B; remove it
        input.positions.csv:2:2 (book): "\u{1b}[2Jeq" has the invisible character U+001B; remove it
        input.positions.csv:2:2 (book): "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…" has 65536 characters; a name has 200 at most
        input.positions.csv:1:1 (ID): unknown column "ID"; write id
        input.positions.csv:1:2 (Book): unknown column "Book"; write book
        input.positions.csv:1:3 (Kind): unknown column "Kind"; write kind
        input.positions.csv:1:4 (Underlying): unknown column "Underlying"; write underlying
        input.positions.csv:1:5 (Quantity): unknown column "Quantity"; write quantity
        input.positions.csv:1:6 (price): unknown column "price"; if it is there for others, name it in ignore_columns; known are id, book, kind, quantity, und
        input.positions.csv:2:5 (currency): "GBp" is a hundredth of GBP; divide by 100 and write GBP, or write GBX with fx GBXGBP 0.01 in the market
        and 16 more in this file
        input.positions.csv:15:8 (expiry): "2026-01-14" is before the valuation date 2026-01-15; "expired": "skip" leaves it out
        input.positions.csv:2:8 (expiry): "20260619" is no number of years but a date without dashes; write a date like 2026-12-31
        input.positions.csv:2:8 (expiry): "46192" is no number of years but a date as Excel counts days; write a date like 2026-12-31
        input.positions.csv:2:8 (expiry): "2028" is no number of years but a year; write a date like 2026-12-31
        input.positions.csv:2:8 (expiry): "19.06.2026" is neither a date like 2026-12-31 nor a time like 0.5 (years) or 6M
        input.positions.csv:2:8 (expiry): "6/19/2026" is neither a date like 2026-12-31 nor a time like 0.5 (years) or 6M
        input.positions.csv:2:8 (expiry): "2026-01-09" is before the valuation date 2026-01-15; "expired": "skip" leaves it out"#]].assert_eq(&all.join("\n"));
}

#[test]
fn histories_of_others_are_read_right_or_named_as_what_they_are() {
    let told = |csv: &str, rest: &str| read(POSITIONS, MARKET, &history(csv, rest));
    let skip = r#","missing":"skip_row""#;
    let all = [
        told("date,rate:USD\n2026-01-05,4.17\n2026-01-06,4.18\n2026-01-07,4.15\n", ""),
        told(
            "date,rate:USD\n2026-01-05,4.17\n2026-01-06,4.18\n2026-01-07,4.15\n",
            r#","scale":{"rate:USD":0.01}"#,
        ),
        told("date,vol:ACME\n2026-01-05,13.2\n2026-01-06,14.1\n", ""),
        told("date,rate:USD\n2026-01-05,4.17\n2026-01-06,0.3\n", r#","values":"returns""#),
        told("DATE,spot:ACME\n2026-01-05,1\n2026-01-06,2\n", ""),
        told("Date,spot:ACME\n2026-01-05,1\n2026-01-06,2\n", ""),
        told("date,spot:ACME\n2026-01-05,100\n2026-01-06,#N/A\n2026-01-07,101\n", ""),
        told(
            "date,spot:ACME\n2026-01-05,100\n2026-01-06,#N/A\n2026-01-07,.\n2026-01-08,ND\n2026-01-09,101\n",
            skip,
        ),
        told("date,spot:ACME\n2020-04-17,18.31\n2020-04-20,-36.98\n2020-04-21,8.91\n", skip),
        told("date,spot:ACME\n2020-04-17,18.31\n2020-04-20,NA\n2020-04-21,8.91\n", skip),
        told("date,spot:ACME\n01/05/2026,100\n01/06/2026,101\n", ""),
        told("date;spot:ACME\n2026-01-05;100,5\n", ""),
        told("date,spot:ACME\n2026-01-06,100\n2026-01-05,101\n", ""),
        told("date,spot:ACME\n2026-01-05,100\n2026-01-06,1e9\n", ""),
        read(
            POSITIONS,
            MARKET,
            r#"{"type":"monte_carlo","paths":9,"factors":["spot:ACME"],"per":"year","volatilities":[20],"correlation":[[1]]}"#,
        ),
    ];
    expect![[r#"
        input.scenarios.csv:2:2 (rate:USD): 4.17 is out of range; a rate must be from -1 to 1; add "scale": {"rate:USD": 0.01}, or write 4.17 % as 0.0417, or "limits": {"rate": 10} in the market if 417 % is meant
        input.scenarios.csv:3:2 (rate:USD): 4.18 is out of range; a rate must be from -1 to 1; add "scale": {"rate:USD": 0.01}, or write 4.18 % as 0.0418, or "limits": {"rate": 10} in the market if 418 % is meant
        input.scenarios.csv:4:2 (rate:USD): 4.15 is out of range; a rate must be from -1 to 1; add "scale": {"rate:USD": 0.01}, or write 4.15 % as 0.0415, or "limits": {"rate": 10} in the market if 415 % is meant
        ok: 1 positions, 2 scenarios
        input.scenarios.csv:2:2 (vol:ACME): 13.2 is out of range; a volatility must be from 0 to 5; add "scale": {"vol:ACME": 0.01}, or write 13.2 % as 0.132
        input.scenarios.csv:3:2 (vol:ACME): 14.1 is out of range; a volatility must be from 0 to 5; add "scale": {"vol:ACME": 0.01}, or write 14.1 % as 0.141
        input.scenarios.csv:2:2 (rate:USD): 4.17 is out of range; a rate must be from -1 to 1; add "scale": {"rate:USD": 0.01}, or write 4.17 % as 0.0417, or "limits": {"rate": 10} in the market if 417 % is meant
        input.scenarios.csv:1:1 (DATE): unknown column "DATE"; write date
        input.scenarios.csv:1:1 (Date): unknown column "Date"; write date
        input.scenarios.csv:3:2 (spot:ACME): no value; fill it in, or say "missing": "skip_row" to leave out days like this one
        ok: 1 positions, 1 scenarios
        input.scenarios.csv:3:2 (spot:ACME): a level of -36.98, but a relative change needs levels above 0; leave the row out, with "skip_dates": ["its date"], or take the changes in units of the price, with "changes": {"spot:ACME": "absolute"}
        ok: 1 positions, 1 scenarios
        input.scenarios.csv:2:1 (date): "01/05/2026" is not a date; write it like 2026-12-31
        input.scenarios.csv:3:1 (date): "01/06/2026" is not a date; write it like 2026-12-31
        input.scenarios.csv:1: the fields are separated by semicolons; use commas, and points in numbers
        input.scenarios.csv:3:1 (date): 2026-01-05 follows 2026-01-06; rows must go from old to new, each day once
        input.scenarios: the window that ends on 2026-01-06: 9999999.0 is out of range; a relative shock must be within ±1000, so write 10 % as 0.1
        input.scenarios (covariance): spot:ACME has a standard deviation of 1.25988 a day; at most 0.6 (0.01 is 1 %)"#]].assert_eq(&all.join("\n"));
}

#[test]
fn shocks_and_markets_that_cannot_be_are_refused() {
    let explicit =
        |csv: &str| read(POSITIONS, MARKET, &format!(r#"{{"type":"explicit","csv":{}}}"#, Value::from(csv)));
    let fx = |pairs: &str, scenarios: &str| {
        let market = MARKET.replace(r#""curves""#, &format!(r#""fx":{{{pairs}}},"curves""#));
        read(POSITIONS, &market, scenarios)
    };
    let moves = |csv: &str| format!(r#"{{"type":"explicit","csv":{}}}"#, Value::from(csv));
    let triangle = r#""EURUSD":1.1,"EURJPY":165,"USDJPY":150"#;
    let all = [
        explicit("scenario,spot:ACME\nup,5\ndown,-0.99\n"),
        explicit("scenario,spot:ACME\na,50000\nb,0.1\nc,-2\nd,1e308\n"),
        explicit("scenario,rate:USD\nup,25\n"),
        explicit("scenario,vol:ACME\nup,20\n"),
        explicit("scenario,spot:ACME\nup\u{200F},0.1\n"),
        read(POSITIONS, &MARKET.replace(r#""spot":100"#, r#""spot":1e306"#), SCENARIOS),
        read(POSITIONS, &MARKET.replace("ACME", "AC\\u200bME"), SCENARIOS),
        read(
            POSITIONS,
            &MARKET.replace(r#""currency":"USD","spot""#, r#""currency":"GBp","spot""#),
            SCENARIOS,
        ),
        fx(r#""EURUSD":1.1,"EURJPY":165,"USDJPY":140"#, SCENARIOS),
        fx(triangle, SCENARIOS),
        fx(triangle, &moves("scenario,fx:EURUSD\ndown,-0.1\n")),
        fx(triangle, &moves("scenario,fx:EURUSD,fx:EURJPY,fx:USDJPY\ndown,-0.1,-0.1,0\n")),
        fx(triangle, &moves("scenario,fx:EURUSD,fx:EURJPY,fx:USDJPY\ndown,-0.1,0,0\n")),
        fx(triangle, &moves("scenario,fx:EURUSD,fx:EURJPY\neuro,-0.1,-0.1\n")),
        fx(
            r#""GBPUSD":1.3,"GBXUSD":0.013,"GBXGBP":0.01"#,
            &moves("scenario,fx:GBPUSD,fx:GBXUSD\ndown,-0.1,-0.1\n"),
        ),
        fx(triangle, &history("date,fx:EURUSD,fx:USDJPY\n2026-01-05,1.10,150\n2026-01-06,1.15,150\n", "")),
        fx(
            triangle,
            r#"{"type":"monte_carlo","paths":100,"factors":["fx:EURUSD","fx:USDJPY"],"per":"year","volatilities":[0.1,0.1],"correlation":[[1,0],[0,1]],"horizon_days":250}"#,
        ),
        fx(r#""EURUSD":1.1,"USDJPY":150"#, &moves("scenario,fx:EURUSD\ndown,-0.1\n")),
    ];
    expect![[r#"
        ok: 1 positions, 2 scenarios
        input.scenarios.csv:2:2 (spot:ACME): 50000.0 is out of range; a relative shock must be within ±1000, so write 10 % as 0.1
        input.scenarios.csv:4:2 (spot:ACME): a relative shock of -2 would take spot:ACME to zero or below; it must be above -1 (-0.1 is 10 % down), or in units of the price, with "changes": {"spot:ACME": "absolute"}
        input.scenarios.csv:5:2 (spot:ACME): 1e308 is out of range; a relative shock must be within ±1000, so write 10 % as 0.1
        input.scenarios.csv:2:2 (rate:USD): 25.0 is out of range; a change of a rate must be within ±1, so write one basis point as 0.0001
        input.scenarios.csv:2:2 (vol:ACME): 20.0 is out of range; a change of a volatility must be within ±5, so write one point as 0.01
        input.scenarios.csv:2:1 (scenario): "up\u{200f}" has the invisible character U+200F; remove it
        input.market.underlyings.ACME.spot: 1e306 is out of range; a spot must be above 0, and at most 1e15
        input.market.underlyings: "AC\u{200b}ME" has the invisible character U+200B; remove it
        input.market.underlyings.ACME.currency: "GBp" is a hundredth of GBP; divide by 100 and write GBP, or write GBX with fx GBXGBP 0.01 in the market
        input.market.fx.USDJPY: 140, but the other pairs make it 150; give rates of one moment, or leave out a pair that follows from the others
        ok: 1 positions, 1 scenarios
        input.scenarios: in scenario "down" fx:USDJPY is 150, and the other pairs make it 166.667; move all that follow from each other, or leave USDJPY out of the market
        ok: 1 positions, 1 scenarios
        input.scenarios: in scenario "down" fx:USDJPY is 150, and the other pairs make it 166.667; move all that follow from each other, or leave USDJPY out of the market
        ok: 1 positions, 1 scenarios
        ok: 1 positions, 1 scenarios
        input.scenarios: in scenario "2026-01-06" fx:USDJPY is 150, and the other pairs make it 143.478; move all that follow from each other, or leave USDJPY out of the market
        input.scenarios: in scenario "path 0" fx:USDJPY is 159.926, and the other pairs make it 151.241; move all that follow from each other, or leave USDJPY out of the market
        ok: 1 positions, 1 scenarios"#]].assert_eq(&all.join("\n"));
}

/// What a swap has accrued since its last reset is not nothing.
#[test]
fn a_swap_that_has_started_needs_its_fixing() {
    let head = "id,book,kind,currency,quantity,notional,start,maturity,fixed_rate,fixed_leg,frequency,day_count,current_fixing,floating_frequency,floating_day_count\n";
    let told = |row: &str| read(&format!("{head}{row}\n"), MARKET, SCENARIOS);
    let all = [
        told("A,b,swap,USD,1,10000000,2025-07-18,2030-07-18,0.041,pay,semiannual,30/360,,,"),
        told(
            "A,b,swap,USD,1,10000000,2025-07-18,2030-07-18,0.041,pay,semiannual,30/360,0.0432,semiannual,ACT/360",
        ),
        told("A,b,swap,USD,1,10000000,2025-07-15,2030-07-15,0.041,pay,semiannual,30/360,,,"),
        told("A,b,swap,USD,1,10000000,2026-01-15,2030-01-15,0.041,pay,semiannual,30/360,,,"),
        told("A,b,swap,USD,1,10000000,2026-02-15,2030-02-15,0.041,pay,semiannual,30/360,,,"),
        told("A,b,swap,USD,1,10000000,2025-10-15,2030-10-15,0.041,pay,annual,30/360,,quarterly,"),
        told("A,b,swap,USD,1,10000000,2025-10-15,2030-10-15,0.041,pay,quarterly,30/360,,semiannual,"),
    ];
    expect![[r#"
        input.positions.csv:2:13 (current_fixing): is empty; the floating period that began on 2025-07-18 runs on the valuation date 2026-01-15: write its rate, or the floating_frequency if that is another than the fixed leg's, or projected for what the curve says
        ok: 1 positions, 1 scenarios
        ok: 1 positions, 1 scenarios
        ok: 1 positions, 1 scenarios
        ok: 1 positions, 1 scenarios
        ok: 1 positions, 1 scenarios
        input.positions.csv:2:13 (current_fixing): is empty; the floating period that began on 2025-10-15 runs on the valuation date 2026-01-15: write its rate, or the floating_frequency if that is another than the fixed leg's, or projected for what the curve says"#]].assert_eq(&all.join("\n"));
}

/// Two thousand pairs took twenty seconds, a hundred thousand underlyings as long: reading is linear.
#[test]
fn a_large_market_is_read_at_once_or_refused() {
    let code = |n: usize| -> String {
        [n / 676, n / 26 % 26, n % 26]
            .iter()
            .map(|digit| char::from(b'A' + u8::try_from(*digit).unwrap()))
            .collect()
    };
    let pairs = |n: usize| -> String {
        let pairs: Vec<String> =
            (0..n).map(|n| format!(r#""{}{}":1"#, code(2 * n), code(2 * n + 1))).collect();
        MARKET.replace(r#""curves""#, &format!(r#""fx":{{{}}},"curves""#, pairs.join(",")))
    };
    assert_eq!(read(POSITIONS, &pairs(1_000), SCENARIOS), "ok: 1 positions, 1 scenarios");
    assert_eq!(
        read(POSITIONS, &pairs(1_001), SCENARIOS),
        "input.market.fx: has 1001 pairs; expected at most 1000"
    );
    let many: Vec<String> = (0..100_000)
        .map(|n| format!(r#""U{n}":{{"class":"equity","currency":"USD","spot":100,"vol":0.3}}"#))
        .collect();
    let market = MARKET.replace(r#""underlyings":{"#, &format!(r#""underlyings":{{{},"#, many.join(",")));
    assert_eq!(read(POSITIONS, &market, SCENARIOS), "ok: 1 positions, 1 scenarios");
    let header = |n: usize| {
        let columns: Vec<String> = (0..n).map(|n| format!("c{n}")).collect();
        read(&format!("{}\n", columns.join(",")), MARKET, SCENARIOS)
    };
    assert_eq!(header(200_000), "input.positions.csv:1: has 200000 columns; a file has 20000 at most");
    let told = header(20_000);
    assert!(told.starts_with("input.positions.csv:1:1 (c0): unknown column"), "{told}");
    assert!(told.ends_with("more in this file"), "{told}");
}

/// Every export has columns for others, and options that ended last week.
#[test]
fn what_is_there_for_others_and_what_has_expired_is_left_out_on_request_and_counted() {
    let csv = "id,book,kind,underlying,quantity,option_type,strike,expiry,trader\nA,b,european,ACME,1,call,100,2026-06-19,Ann\nB,b,european,ACME,1,call,100,2026-01-14,Bob\nC,b,european,ACME,1,call,100,2026-01-15,Bob\n";
    let told = |rest: &str| {
        let json = format!(
            r#"{{"positions":{{"csv":{}}},"market":{MARKET},"scenarios":{SCENARIOS}{rest}}}"#,
            Value::from(csv)
        );
        let input: PortfolioInput = serde_json::from_str(&json).unwrap();
        match PortfolioRisk::prepare(input, &Given::default()) {
            Ok(prepared) => {
                let partial =
                    PortfolioRisk::evaluate(&prepared, &PortfolioRisk::whole(&prepared), &mut NoData);
                let coverage = Coverage { weight_done: 1, weight_total: 1 };
                let report = PortfolioRisk::report(&prepared, Some(&partial.unwrap()), &coverage);
                let json = serde_json::to_value(&report).unwrap();
                let line = report.to_string().lines().find(|it| it.contains("Positions")).unwrap().to_owned();
                format!("{line}; {}", json["positions_expired"])
            }
            Err(error) => error.to_string(),
        }
    };
    let all = [
        told(""),
        told(r#","ignore_columns":["trader"]"#),
        told(r#","ignore_columns":["trader","desk"],"expired":"skip""#),
        told(r#","ignore_columns":["strike"],"expired":"skip""#),
        // A sentinel in a column that the position does not use.
        read(
            "id,book,kind,underlying,quantity,maturity\nA,b,spot,ACME,1,1900-01-01\n",
            MARKET,
            &format!(r#"{SCENARIOS},"expired":"skip""#),
        ),
    ];
    expect![[r#"
        input.positions.csv:1:9 (trader): unknown column "trader"; if it is there for others, name it in ignore_columns; known are id, book, kind, quantity, underlying, currency, option_type, strike, expiry, payoff, cash_amount, barrier_type, barrier, rebate, fixings, past_fixings_sum, past_fixings_count, paths, face, notional, coupon, fixed_rate, fixed_leg, frequency, day_count, start, maturity, curve, current_fixing, floating_frequency, floating_day_count, multiplier, future_expiry, first_coupon, last_coupon, end_of_month, calendar, adjustment, accrual_dates, ex_dividend, settlement_days, spread
        input.positions.csv:3:8 (expiry): "2026-01-14" is before the valuation date 2026-01-15; "expired": "skip" leaves it out
          Positions   2 in 1 book; expired and left out: 1; 1
        input.ignore_columns: "strike" is a column that positions use
        input.positions.csv:2:6 (maturity): "1900-01-01" must be empty; a spot does not use it"#]].assert_eq(&all.join("\n"));
}

/// What no scenario moves is not without risk: it is named.
#[test]
fn factors_that_positions_depend_on_and_no_scenario_moves_are_named() {
    let market = MARKET.replace(
        r#""underlyings":{"#,
        r#""fx":{"EURUSD":1.1},"underlyings":{"DAX":{"class":"index","currency":"EUR","spot":20000,"vol":0.2},"WTI":{"class":"commodity","currency":"USD","spot":60,"vol":0.3},"#,
    );
    let csv = "id,book,kind,underlying,quantity,option_type,strike,expiry\nA,oil,spot,WTI,1,,,\nB,eq,spot,ACME,1000000,,,\nC,eq,european,ACME,1,call,100,1\nD,eq,spot,DAX,1,,,\n";
    let scenarios = history("date,spot:WTI,rate:USD\n2026-01-06,57,0.04\n2026-01-07,58,0.04\n", "");
    let json = format!(
        r#"{{"positions":{{"csv":{}}},"market":{market},"scenarios":{scenarios}}}"#,
        Value::from(csv)
    );
    let prepared = PortfolioRisk::prepare(serde_json::from_str(&json).unwrap(), &Given::default()).unwrap();
    let report = PortfolioRisk::report(&prepared, None, &Coverage { weight_done: 0, weight_total: 1 });
    let line = report.to_string().lines().find(|it| it.contains("Not moved")).unwrap().to_owned();
    expect![[r#"
          Not moved   by any scenario: spot:ACME (2 positions), spot:DAX (1 position), vol:ACME (1 position), rate:USD (1 position), fx:EURUSD (1 position)
        [{"factor":"spot:ACME","positions":2,"base_value":null},{"factor":"spot:DAX","positions":1,"base_value":null},{"factor":"vol:ACME","positions":1,"base_value":null},{"factor":"rate:USD","positions":1,"base_value":null},{"factor":"fx:EURUSD","positions":1,"base_value":null}]"#]]
        .assert_eq(&format!("{line}\n{}", serde_json::to_value(&report).unwrap()["factors_not_moved"]));
}

#[test]
fn currencies_and_dates_that_are_not_there_are_answered_with_what_would_be() {
    let cash =
        |code: &str| read(&format!("id,book,kind,currency,quantity\nA,b,cash,{code},1\n"), MARKET, SCENARIOS);
    let option = "id,book,kind,underlying,quantity,option_type,strike,expiry\nA,b,european,ACME,1,call,100,2026-01-09\n";
    let market = |rate: &str| MARKET.replace("0.04", rate);
    let strikes: Vec<u32> = (1..=1_001).collect();
    let surface =
        format!(r#""vol":{{"expiries":[1],"strikes":{strikes:?},"vols":[{:?}]}}"#, vec![0.2; 1_001]);
    let all = [
        cash("USD"),
        cash("CHF"),
        cash("usd"),
        cash("GBX"),
        cash("GBp"),
        read(option, MARKET, SCENARIOS),
        read(POSITIONS, &MARKET.replace(r#""vol":0.3"#, &surface), SCENARIOS),
        read(
            POSITIONS,
            &market(r#"0.04}]}},"limits":7,"x":{"USD":{"currency":"USD","points":[{"tenor":1,"rate":0.1"#),
            SCENARIOS,
        ),
    ];
    expect![[r#"
        ok: 1 positions, 1 scenarios
        input.positions.csv:2:4 (currency): the market has no currency "CHF"; it has USD
        input.positions.csv:2:4 (currency): "usd" is not a currency; write USD
        input.positions.csv:2:4 (currency): "GBX" is a hundredth of GBP; divide by 100 and write GBP, or write GBX with fx GBXGBP 0.01 in the market
        input.positions.csv:2:4 (currency): "GBp" is a hundredth of GBP; divide by 100 and write GBP, or write GBX with fx GBXGBP 0.01 in the market
        input.positions.csv:2:8 (expiry): "2026-01-09" is before the valuation date 2026-01-15; "expired": "skip" leaves it out
        input.market.underlyings.ACME.vol.strikes: has 1001 strikes; a surface has at most 1000
        input.market.limits: invalid type: integer `7`, expected an object"#]].assert_eq(&all.join("\n"));
    let notes = |rate: &str| {
        let json = format!(
            r#"{{"positions":{{"csv":{}}},"market":{},"scenarios":{SCENARIOS}}}"#,
            Value::from(POSITIONS),
            market(rate)
        );
        let prepared =
            PortfolioRisk::prepare(serde_json::from_str(&json).unwrap(), &Given::default()).unwrap();
        prepared.portfolio.market().notes().join("\n")
    };
    assert_eq!(notes("0.3"), "");
    assert_eq!(notes("0.417"), "the curve USD has a rate of 41.7 %: if 0.417 % is meant, write 0.00417");
}
