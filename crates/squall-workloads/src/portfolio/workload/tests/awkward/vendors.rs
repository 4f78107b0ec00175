//! More files as custodians, data vendors and spreadsheets write them.

use super::*;

const HEAD: &str = "id,book,kind,underlying,quantity\n";
const OPTION: &str = "id,book,kind,underlying,quantity,option_type,strike,expiry\n";

#[test]
fn exports_of_custodians_and_spreadsheets() {
    let told = |csv: &str| read(csv, MARKET, SCENARIOS);
    let quantity = |text: &str| told(&format!("{HEAD}A,eq,spot,ACME,{text}\n"));
    let expiry = |text: &str| told(&format!("{OPTION}A,b,european,ACME,1,call,100,{text}\n"));
    let all = [
        // The sheet around the table.
        told("Holdings report as of 15.01.2026\n\nid,book,kind,underlying,quantity\nA,eq,spot,ACME,1\n"),
        told("# exported 2026-01-15T07:00Z\nid,book,kind,underlying,quantity\nA,eq,spot,ACME,1\n"),
        told("sep=;\nid;book;kind;underlying;quantity\nA;eq;spot;ACME;1\n"),
        told("\u{FEFF}id;book;kind;underlying;quantity\r\nA;eq;spot;ACME;1.234,56\r\n"),
        told("id|book|kind|underlying|quantity\nA|eq|spot|ACME|1\n"),
        told(&format!("{HEAD}text,text,text,text,shares\nA,eq,spot,ACME,1\n")),
        told(&format!("{HEAD}A,eq,spot,ACME,1\n\n\nB,eq,spot,ACME,2\n\n")),
        told(&format!("{HEAD}A,eq,spot,ACME,1\n,,,,\n")),
        told(&format!("{HEAD}A,eq,spot,ACME,1\nTotal,,,,1\n")),
        told(&format!("{HEAD}A,eq,spot,ACME,1\nTotal: 1 position\n")),
        told(&format!("{HEAD}A,eq,spot,ACME,1,\n")),
        told("id,book,kind,underlying,quantity,\nA,eq,spot,ACME,1,\n"),
        told("id,book,kind,underlying,quantity,book\nA,eq,spot,ACME,1,eq\n"),
        told("Id,Book,Asset Class,Kind,Underlying,Quantity\nA,eq,Equity,spot,ACME,1\n"),
        told("id,book,kind,underlying,quantity\rA,eq,spot,ACME,1\r"),
        told("PK\u{3}\u{4}\u{14}\u{0}"),
        told("<!DOCTYPE html><html><body>Please log in</body></html>"),
        told("[{\"id\": \"A\", \"book\": \"eq\"}]"),
        told(&format!("{HEAD}A,eq,spot,ACME,1\n\u{1a}")),
        // Numbers.
        quantity("1\u{A0}000"),
        quantity("\u{A0}1000\u{A0}"),
        quantity("1'000"),
        quantity("\"$1,000.00\""),
        quantity("\u{2212}5"),
        quantity("(5)"),
        quantity("5-"),
        quantity("50%"),
        quantity("\u{FF15}"),
        quantity("n.a."),
        quantity("=A1*2"),
        quantity("1E+05"),
        // Words and dates.
        told(&format!("{HEAD}A,eq,Stock,ACME,1\n")),
        told(&format!("{HEAD}A,eq,spot,ACME US Equity,1\n")),
        told(&format!("{OPTION}A,b,european,ACME,1,C,100,2026-06-19\n")),
        expiry("2026-06-19T00:00:00Z"),
        expiry("19-Jun-26"),
        expiry("2026/06/19"),
        expiry("JUN26"),
    ];
    expect![[r#"
        input.positions.csv:3: this row has 5 fields, the header on line 1 has 1; the first line must name the columns, and every other one be a row
        input.positions.csv:2: this row has 5 fields, the header on line 1 has 1; the first line must name the columns, and every other one be a row
        input.positions.csv:1: this line tells a spreadsheet the separator; remove it, and separate by commas
        input.positions.csv:1: the fields are separated by semicolons; use commas, and points in numbers
        input.positions.csv:1: the fields are separated by bars; use commas, and points in numbers
        input.positions.csv:2:3 (kind): "text" is not one of spot, forward, european, american, digital, barrier, asian, zero_bond, fixed_bond, swap, future, cash, floating_bond
        ok: 2 positions, 1 scenarios
        input.positions.csv:3:1 (id): is empty; a value is needed here
        input.positions.csv:3:2 (book): is empty; a value is needed here
        input.positions.csv:3: this row has 1 field, the header on line 1 has 5; the first line must name the columns, and every other one be a row
        input.positions.csv:2: this row has 6 fields, the header on line 1 has 5; the first line must name the columns, and every other one be a row
        input.positions.csv:1:6: this column has no name; give it one, or remove it
        input.positions.csv:1:6 (book): this column is already column 2; each must be unique
        input.positions.csv:1:1 (Id): unknown column "Id"; write id
        input.positions.csv:1:2 (Book): unknown column "Book"; write book
        input.positions.csv:1:3 (Asset Class): unknown column "Asset Class"; if it is there for others, name it in ignore_columns; known are id, book, kind, quantity, underlying, currency, option_type, strike, expiry, payoff, cash_amount, barrier_type, barrier, rebate, fixings, past_fixings_sum, past_fixings_count, paths, face, notional, coupon, fixed_rate, fixed_leg, frequency, day_count, start, maturity, curve, current_fixing, floating_frequency, floating_day_count, multiplier, future_expiry, first_coupon, last_coupon, end_of_month, calendar, adjustment, accrual_dates, ex_dividend, settlement_days, spread
        input.positions.csv:1:4 (Kind): unknown column "Kind"; write kind
        input.positions.csv:1:5 (Underlying): unknown column "Underlying"; write underlying
        input.positions.csv:1:6 (Quantity): unknown column "Quantity"; write quantity
        ok: 1 positions, 1 scenarios
        input.positions.csv:1: the file is a workbook or an archive; save the sheet as CSV in UTF-8
        input.positions.csv:1: the file is HTML or XML; CSV is needed, whose first line names the columns
        input.positions.csv:1: the file is JSON; CSV is needed, whose first line names the columns
        input.positions.csv:3: this row has 1 field, the header on line 1 has 5; the first line must name the columns, and every other one be a row
        input.positions.csv:2:5 (quantity): "1 000" is not a number; it has the character U+00A0; write it like 1234.5, -0.02 or 1e6
        ok: 1 positions, 1 scenarios
        input.positions.csv:2:5 (quantity): "1'000" is not a number; write it like 1234.5, -0.02 or 1e6
        input.positions.csv:2:5 (quantity): "$1,000.00" is not a number; write it like 1234.5, -0.02 or 1e6
        input.positions.csv:2:5 (quantity): "−5" is not a number; it has the character U+2212; write it like 1234.5, -0.02 or 1e6
        input.positions.csv:2:5 (quantity): "(5)" is not a number; write what is negative like -1234.5
        input.positions.csv:2:5 (quantity): "5-" is not a number; write it like 1234.5, -0.02 or 1e6
        input.positions.csv:2:5 (quantity): "50%" is not a number; write 4 % as 0.04
        input.positions.csv:2:5 (quantity): "５" is not a number; it has the character U+FF15; write it like 1234.5, -0.02 or 1e6
        input.positions.csv:2:5 (quantity): "n.a." is not a number; write it like 1234.5, -0.02 or 1e6
        input.positions.csv:2:5 (quantity): "=A1*2" is not a number; write it like 1234.5, -0.02 or 1e6
        ok: 1 positions, 1 scenarios
        input.positions.csv:2:3 (kind): "Stock" is not one of spot, forward, european, american, digital, barrier, asian, zero_bond, fixed_bond, swap, future, cash, floating_bond
        input.positions.csv:2:4 (underlying): the market has no underlying "ACME US Equity"; it has ACME
        input.positions.csv:2:6 (option_type): "C" is not one of call, put
        input.positions.csv:2:8 (expiry): "2026-06-19T00:00:00Z" is neither a date like 2026-12-31 nor a time like 0.5 (years) or 6M
        input.positions.csv:2:8 (expiry): "19-Jun-26" is neither a date like 2026-12-31 nor a time like 0.5 (years) or 6M
        input.positions.csv:2:8 (expiry): "2026/06/19" is neither a date like 2026-12-31 nor a time like 0.5 (years) or 6M
        input.positions.csv:2:8 (expiry): "JUN26" is neither a date like 2026-12-31 nor a time like 0.5 (years) or 6M"#]].assert_eq(&all.join("\n"));
}

#[test]
fn exports_of_data_vendors() {
    let told = |csv: &str| read(POSITIONS, MARKET, &history(csv, ""));
    let skipping = |csv: &str| read(POSITIONS, MARKET, &history(csv, r#","missing":"skip_row""#));
    let days = |second: &str| format!("date,spot:ACME\n2026-01-05,100\n{second}\n2026-01-07,101\n");
    let all = [
        told("observation_date,DGS10\n2026-01-05,4.17\n2026-01-06,.\n"),
        told("Date,Open,High,Low,Close,Adj Close,Volume\n2026-01-05,1,1,1,1,1,1\n"),
        told("<TICKER>,<PER>,<DATE>,<CLOSE>\nACME,D,20260105,100\n"),
        told("date,ACME US Equity\n2026-01-05,100\n2026-01-06,101\n"),
        told("date,spot:acme\n2026-01-05,100\n2026-01-06,101\n"),
        told(&days("2026-01-06 00:00:00-05:00,101")),
        told(&days("20260106,101")),
        told(&days("1767657600,101")),
        told(&days("06.01.2026,101")),
        told(&days("Jan 06\\, 2026,101").replace("\\,", "")),
        told(&days("2026-01-06,\"1,234.50\"")),
        told(&days("2026-01-06,101.5p")),
        told(&days("2026-01-06,N/M")),
        skipping(&days("2026-01-06,N/M")),
        skipping(&days("2026-01-06,#N/A Invalid Security")),
        skipping(&days("2026-01-06,\u{2014}")),
        told("date,rate:USD\n2026-01-05,4.17%\n2026-01-06,4.18%\n"),
        told("date,spot:ACME\n2026-01-07,101\n2026-01-06,100\n2026-01-05,99\n"),
        told("date,spot:ACME\n2026-01-05,100\n2026-01-05,101\n"),
        told("date,spot:ACME\n2026-01-05,100\nAverage,100\n"),
        told("date,spot:ACME\n2026-01-05,100\n2026-01-06,0\n"),
    ];
    expect![[r#"
        input.scenarios.csv:1: the column "date" is missing; the columns are observation_date, DGS10
        input.scenarios.csv:1:1 (Date): unknown column "Date"; write date
        input.scenarios.csv:1: the column "date" is missing; the columns are <TICKER>, <PER>, <DATE>, <CLOSE>
        input.scenarios.csv:1:2 (ACME US Equity): unknown factor "ACME US Equity"; the market has rate:USD, spot:ACME, vol:ACME
        input.scenarios.csv:1:2 (spot:acme): unknown factor "spot:acme"; the market has spot:ACME, vol:ACME, rate:USD
        input.scenarios.csv:3:1 (date): "2026-01-06 00:00:00-05:00" is not a date; write it like 2026-12-31
        input.scenarios.csv:3:1 (date): "20260106" is not a date; write it like 2026-12-31
        input.scenarios.csv:3:1 (date): "1767657600" is not a date; write it like 2026-12-31
        input.scenarios.csv:3:1 (date): "06.01.2026" is not a date; write it like 2026-12-31
        input.scenarios.csv:3:1 (date): "Jan 06 2026" is not a date; write it like 2026-12-31
        input.scenarios.csv:3:2 (spot:ACME): "1,234.50" is not a number; write it like 1234.5, -0.02 or 1e6
        input.scenarios.csv:3:2 (spot:ACME): "101.5p" is not a number; write it like 1234.5, -0.02 or 1e6
        input.scenarios.csv:3:2 (spot:ACME): no value; fill it in, or say "missing": "skip_row" to leave out days like this one
        ok: 1 positions, 1 scenarios
        ok: 1 positions, 1 scenarios
        ok: 1 positions, 1 scenarios
        input.scenarios.csv:2:2 (rate:USD): "4.17%" is not a number; write 4 % as 0.04
        input.scenarios.csv:3:2 (rate:USD): "4.18%" is not a number; write 4 % as 0.04
        input.scenarios.csv:3:1 (date): 2026-01-06 follows 2026-01-07; rows must go from old to new, each day once
        input.scenarios.csv:4:1 (date): 2026-01-05 follows 2026-01-07; rows must go from old to new, each day once
        input.scenarios.csv:3:1 (date): 2026-01-05 follows 2026-01-05; rows must go from old to new, each day once
        input.scenarios.csv:3:1 (date): "Average" is not a date; write it like 2026-12-31
        input.scenarios.csv:3:2 (spot:ACME): a level of 0, but a relative change needs levels above 0; leave the row out, with "skip_dates": ["its date"], or take the changes in units of the price, with "changes": {"spot:ACME": "absolute"}"#]].assert_eq(&all.join("\n"));
}
