//! What is found in a history, and what may be left out, taken in other units or scaled.

use chrono::NaiveDate;

use super::*;

/// The market of the tests: SPX at 100 with a volatility of 20 %, USD at 4 %, on Thursday, 15 January 2026.
pub(super) fn found(input: &str) -> String {
    let input: ScenariosInput = match serde_json::from_str(input) {
        Ok(input) => input,
        Err(error) => return format!("{error}\n"),
    };
    let factors = market();
    let levels = [100.0, 50.0, 0.2, 0.04, 1.1].map(|level| Some([level, level])).to_vec();
    let basis = Basis {
        factors: &factors,
        levels,
        scales: Vec::new(),
        limits: Limits::default(),
        valuation_date: NaiveDate::from_ymd_opt(2026, 1, 15),
    };
    let set = match input.prepare(&basis, &Files::new()) {
        Ok(set) => set,
        Err(error) => return format!("{error}\n"),
    };
    let mut text = String::new();
    for change in &set.review().largest {
        let LargeChange { factor, date, change, is_relative, is_in_units: _, deviations } = change;
        let kind = if *is_relative { "share" } else { "change" };
        text += &format!("{factor} {date} {kind} {change:.5} {deviations:.2}\n");
    }
    for note in &set.review().notes {
        text += &format!("note: {note}\n");
    }
    for scenario in 0..set.count().min(3) {
        let shocks: Vec<String> =
            set.shocks_of(scenario).iter().map(|(factor, shock)| format!("{factor} {shock:.6}")).collect();
        text += &format!("{}: {}\n", set.label(scenario), shocks.join(", "));
    }
    text
}

pub(super) fn history(csv: &str, rest: &str) -> String {
    found(&format!(r#"{{"type": "historical", "csv": {}{rest}}}"#, serde_json::Value::from(csv)))
}

/// Working days from Monday, 5 January 2015, each with the text that `cells` makes.
pub(super) fn days(n: usize, cells: impl Fn(usize) -> String) -> String {
    let first = NaiveDate::from_ymd_opt(2015, 1, 5).unwrap();
    let date = |idx: usize| first + chrono::Days::new((idx / 5 * 7 + idx % 5) as u64);
    (0..n).map(|idx| format!("{},{}\n", date(idx), cells(idx))).collect()
}

/// Moves of about one percent, without a pattern.
pub(super) fn wave(idx: usize) -> f64 {
    (idx as f64 * 1.7).sin() + (idx as f64 * 0.61).cos()
}

#[test]
fn the_largest_daily_changes_are_found() {
    let split = "date,spot:SPX\n2020-08-27,500.04\n2020-08-28,499.23\n2020-08-31,129.04\n2020-09-01,134.18\n";
    let calm = |idx: usize| {
        let spike = if idx == 60 { 1.0 } else { 0.0 };
        let unit = if idx >= 90 { 100.0 } else { 1.0 };
        format!(
            "{},{:.4},{:.5}",
            100.0 * unit + unit * wave(idx),
            0.2 + 0.005 * wave(idx + 7) + spike,
            0.04 + 0.0005 * wave(idx)
        )
    };
    let calm = format!("date,spot:SPX,vol:SPX,rate:USD\n{}", days(120, calm));
    let monte_carlo = format!(
        r#"{{"type": "monte_carlo", "paths": 1, "mean": "zero", "history": {{"csv": {}}}}}"#,
        serde_json::Value::from(split)
    );
    let steps =
        format!("date,rate:USD\n{}", days(40, |idx| if idx < 20 { "0.04".into() } else { "0.0425".into() }));
    let returns = "date,spot:SPX\n2020-08-28,-0.0016\n2020-08-31,-0.7415\n2020-09-01,0.0398\n";
    let all = [
        history(split, ""),
        history(&calm, ""),
        found(&monte_carlo).lines().take(2).map(|line| format!("{line}\n")).collect(),
        history(&steps, ""),
        history(returns, r#", "values": "returns""#),
    ];
    check(
        &all.join("--\n"),
        expect![[r#"
            spot:SPX 2020-08-31 share -0.74152 12.04
            spot:SPX 2020-09-01 share 0.03983 0.67
            spot:SPX 2020-08-28 share -0.00162 0.00
            2020-08-28: spot:SPX -0.001620
            2020-08-31: spot:SPX -0.741522
            2020-09-01: spot:SPX 0.039833
            --
            vol:SPX 2015-03-30 change 1.00670 138.52
            vol:SPX 2015-03-31 change -0.99960 137.65
            spot:SPX 2015-05-11 share 99.88231 93.85
            rate:USD 2015-03-20 change -0.00103 1.50
            rate:USD 2015-06-02 change -0.00102 1.49
            2015-01-06: spot:SPX 0.008033, vol:SPX 0.010300, rate:USD 0.000410
            2015-01-07: spot:SPX -0.016926, vol:SPX 0.000400, rate:USD -0.000870
            2015-01-08: spot:SPX -0.012691, vol:SPX -0.005400, rate:USD -0.000630
            --
            input.scenarios (covariance): spot:SPX has a standard deviation of 0.781449 a day; at most 0.6 (0.01 is 1 %); its largest change is -0.741522 on 2020-08-31: if a row is wrong, leave it out, with "skip_dates": ["2020-08-31"]; after a split, divide the values before it
            --
            rate:USD 2015-02-02 change 0.00250 31.12
            note: without any change in the history: rate:USD (19 days, to 2015-01-30)
            2015-01-06: 
            2015-01-07: 
            2015-01-08: 
            --
            spot:SPX 2020-08-31 share -0.74150 12.05
            spot:SPX 2020-09-01 share 0.03980 0.67
            spot:SPX 2020-08-28 share -0.00160 0.00
            2020-08-28: spot:SPX -0.001600
            2020-08-31: spot:SPX -0.741500
            2020-09-01: spot:SPX 0.039800
        "#]],
    );
}

#[test]
fn what_no_history_of_days_has_is_noted() {
    let flat =
        |idx: usize| format!("{},0.04", if (10..40).contains(&idx) { 100.0 } else { 100.0 + wave(idx) });
    let all = [
        // After the valuation date, with a gap.
        history(
            "date,spot:SPX\n2025-11-03,100\n2025-11-04,101\n2026-01-15,99\n2026-01-16,100\n2026-01-19,101\n",
            "",
        ),
        // Weekends.
        history(
            "date,spot:SPX\n2025-01-02,100\n2025-01-03,101\n2025-01-04,101\n2025-01-05,101\n2025-01-06,99\n",
            "",
        ),
        // A coin is traded on weekends.
        history(
            "date,spot:SPX\n2025-01-02,100\n2025-01-03,101\n2025-01-04,102\n2025-01-05,101\n2025-01-06,99\n",
            "",
        ),
        // One is, the other is not.
        history(
            "date,spot:SPX,spot:COMP\n2025-01-03,100,50\n2025-01-04,102,50\n2025-01-05,101,50\n2025-01-06,99,49\n",
            "",
        ),
        // Weeks, and a year without any.
        history(
            "date,spot:SPX\n2024-01-05,99\n2024-01-12,100\n2024-01-19,101\n2025-01-17,99\n2025-01-24,98\n",
            "",
        ),
        history(&format!("date,spot:SPX,rate:USD\n{}", days(60, flat)), ""),
        // Percentages below the bounds, of a rate and of a volatility; a price of another unit.
        history("date,rate:USD\n2025-01-02,0.52\n2025-01-03,0.55\n2025-01-06,0.5\n", ""),
        history(
            "date,rate:USD\n2025-01-02,0.01\n2025-01-03,0.06\n2025-01-06,0.02\n",
            r#", "values": "returns""#,
        ),
        history("date,vol:SPX\n2025-01-02,4.5\n2025-01-03,4.6\n2025-01-06,4.7\n", ""),
        history("date,vol:SPX\n2025-01-02,0.0021\n2025-01-03,0.0020\n2025-01-06,0.0020\n", ""),
        // A market of other times is none.
        history("date,rate:USD\n2021-01-04,0.005\n2021-01-05,0.0051\n2021-01-06,0.0049\n", ""),
    ];
    check(
        &all.join("--\n"),
        expect![[r#"
            spot:SPX 2026-01-15 share -0.01980 3.18
            spot:SPX 2026-01-16 share 0.01010 0.01
            spot:SPX 2025-11-04 share 0.01000 0.00
            spot:SPX 2026-01-19 share 0.01000 0.00
            note: 2 of the history's 5 dates, to 2026-01-19, are after the valuation date 2026-01-15
            note: a gap of the history counts as one day: 2025-11-04 to 2026-01-15, 72 days
            2025-11-04: spot:SPX 0.010000
            2026-01-15: spot:SPX -0.019802
            2026-01-16: spot:SPX 0.010101
            --
            spot:SPX 2025-01-06 share -0.01980 2.67
            spot:SPX 2025-01-03 share 0.01000 1.35
            note: without a change on 2 Saturdays and Sundays of the history (the first 2025-01-04): spot:SPX; such rows make risk look smaller, so leave them out
            2025-01-03: spot:SPX 0.010000
            2025-01-04: 
            2025-01-05: 
            --
            spot:SPX 2025-01-06 share -0.01980 1.35
            spot:SPX 2025-01-03 share 0.01000 0.68
            spot:SPX 2025-01-04 share 0.00990 0.67
            spot:SPX 2025-01-05 share -0.00980 0.67
            2025-01-03: spot:SPX 0.010000
            2025-01-04: spot:SPX 0.009901
            2025-01-05: spot:SPX -0.009804
            --
            spot:COMP 2025-01-06 share -0.02000 2.39
            spot:SPX 2025-01-04 share 0.02000 2.01
            spot:SPX 2025-01-06 share -0.01980 0.67
            spot:SPX 2025-01-05 share -0.00980 0.00
            note: without a change on 2 Saturdays and Sundays of the history (the first 2025-01-04): spot:COMP; such rows make risk look smaller, so leave them out
            2025-01-04: spot:SPX 0.020000
            2025-01-05: spot:SPX -0.009804
            2025-01-06: spot:SPX -0.019802, spot:COMP -0.020000
            --
            spot:SPX 2025-01-17 share -0.01980 1.32
            spot:SPX 2024-01-12 share 0.01010 0.68
            spot:SPX 2024-01-19 share 0.01000 0.67
            spot:SPX 2025-01-24 share -0.01010 0.67
            note: the history's rows are 7 days apart, and a day's change is from row to row
            note: a gap of the history counts as one day: 2024-01-19 to 2025-01-17, 364 days
            2024-01-12: spot:SPX 0.010101
            2024-01-19: spot:SPX 0.010000
            2025-01-17: spot:SPX -0.019802
            --
            spot:SPX 2015-01-15 share 0.02094 19.73
            spot:SPX 2015-03-20 share -0.02019 19.02
            spot:SPX 2015-03-05 share -0.01899 17.89
            spot:SPX 2015-03-03 share 0.01702 16.03
            spot:SPX 2015-01-07 share -0.01693 15.95
            note: without any change in the history: rate:USD (59 days, to 2015-03-27), spot:SPX (29 days, to 2015-02-27)
            2015-01-06: spot:SPX 0.008033
            2015-01-07: spot:SPX -0.016926
            2015-01-08: spot:SPX -0.012691
            --
            rate:USD 2025-01-03 change 0.03000 0.67
            rate:USD 2025-01-06 change -0.05000 0.67
            note: a usual daily change of rate:USD in the history is 0.0593041 (a basis point is 0.0001): if its values are in percent, say "scale": {"rate:USD": 0.01}
            2025-01-03: rate:USD 0.030000
            2025-01-06: rate:USD -0.050000
            --
            rate:USD 2025-01-03 change 0.06000 2.70
            rate:USD 2025-01-02 change 0.01000 0.67
            rate:USD 2025-01-06 change 0.02000 0.00
            note: a usual daily change of rate:USD in the history is 0.014826 (a basis point is 0.0001): if its values are in percent, say "scale": {"rate:USD": 0.01}
            2025-01-02: rate:USD 0.010000
            2025-01-03: rate:USD 0.060000
            2025-01-06: rate:USD 0.020000
            --
            note: vol:SPX ends at 4.7 in the history and is 0.2 in the market: if they are in different units, say "scale": {"vol:SPX": 0.01} or what it is
            2025-01-03: vol:SPX 0.100000
            2025-01-06: vol:SPX 0.100000
            --
            vol:SPX 2025-01-03 change -0.00010 0.67
            note: vol:SPX ends at 0.002 in the history and is 0.2 in the market: if they are in different units, say "scale": {"vol:SPX": 0.01} or what it is
            2025-01-03: vol:SPX -0.000100
            2025-01-06: 
            --
            rate:USD 2021-01-05 change 0.00010 0.67
            rate:USD 2021-01-06 change -0.00020 0.67
            2021-01-05: rate:USD 0.000100
            2021-01-06: rate:USD -0.000200
        "#]],
    );
}

#[test]
fn a_row_is_left_out_by_its_date() {
    let wti = "date,spot:SPX\n2020-04-17,18.31\n2020-04-20,-36.98\n2020-04-21,8.91\n";
    let all = [
        history(wti, r#", "skip_dates": ["2020-04-20"]"#),
        history(wti, r#", "skip_dates": ["2020-04-20", "2020-04-22"]"#),
        history(wti, r#", "skip_dates": ["20 April"]"#),
        found(
            r#"{"type": "monte_carlo", "paths": 1, "history": {"csv": "date,spot:SPX\n2020-04-16,19\n2020-04-17,18.31\n2020-04-20,-36.98\n2020-04-21,8.91\n", "skip_dates": ["2020-04-20"]}}"#,
        ),
        history(wti, ""),
        history("date,fx:EURUSD\n2020-04-17,1.1\n2020-04-20,0\n2020-04-21,1.2\n", ""),
    ];
    check(
        &all.join("--\n"),
        expect![[r#"
            note: a usual daily change of spot:SPX in the history is 0.513381 (1 % is 0.01): if its values are in percent, say "scale": {"spot:SPX": 0.01}
            2020-04-21: spot:SPX -0.513381
            --
            input.scenarios.skip_dates[1]: the history has no row of 2020-04-22; leave it out
            --
            input.scenarios.skip_dates[0]: "20 April" is not a date; write it like 2026-12-31
            --
            spot:SPX 2020-04-17 share -0.03632 0.67
            spot:SPX 2020-04-21 share -0.51338 0.67
            note: a usual daily change of spot:SPX in the history is 0.353649 (1 % is 0.01): if its values are in percent, say "scale": {"spot:SPX": 0.01}
            path 0: spot:SPX -0.041303
            --
            input.scenarios.csv:3:2 (spot:SPX): a level of -36.98, but a relative change needs levels above 0; leave the row out, with "skip_dates": ["its date"], or take the changes in units of the price, with "changes": {"spot:SPX": "absolute"}
            --
            input.scenarios.csv:3:2 (fx:EURUSD): a level of 0, but an exchange rate is above 0; leave the row out, with "skip_dates": ["its date"]
        "#]],
    );
}

/// SPX is at 100, so a change of its price by 1 is a shock of 1 %.
#[test]
fn changes_of_a_spot_can_be_in_units_of_its_price() {
    let wti = "date,spot:SPX\n2020-04-17,18.31\n2020-04-20,-36.98\n2020-04-21,8.91\n";
    let absolute = r#", "changes": {"spot:SPX": "absolute"}"#;
    let all = [
        history(wti, absolute),
        history(wti, &format!(r#"{absolute}, "horizon_days": 2"#)),
        history(
            "date,spot:SPX\n2020-04-20,-55.29\n2020-04-21,45.89\n",
            &format!(r#"{absolute}, "values": "returns""#),
        ),
        found(
            r#"{"type": "explicit", "csv": "spot:SPX,spot:COMP\n-150,-0.1", "changes": {"spot:SPX": "absolute"}}"#,
        ),
        found(
            r#"{"type": "grid", "axes": [{"factors": ["spot:SPX", "spot:COMP"], "shocks": [-5, 120]}], "changes": {"spot:SPX": "absolute", "spot:COMP": "absolute"}}"#,
        ),
        found(
            r#"{"type": "grid", "axes": [{"factors": ["spot:SPX", "spot:COMP"], "shocks": [-5]}], "changes": {"spot:SPX": "absolute"}}"#,
        ),
        found(r#"{"type": "explicit", "csv": "vol:SPX\n0.1", "changes": {"vol:SPX": "absolute"}}"#),
        found(r#"{"type": "explicit", "csv": "fx:EURUSD\n0.1", "changes": {"fx:EURUSD": "absolute"}}"#),
        found(r#"{"type": "explicit", "csv": "vol:SPX\n0.1", "changes": {"spot:SPX": "absolute"}}"#),
        found(r#"{"type": "explicit", "csv": "vol:SPX\n0.1", "changes": {"spot:SPY": "absolute"}}"#),
        found(r#"{"type": "explicit", "csv": "spot:SPX\n-1.5"}"#),
        found(r#"{"type": "explicit", "csv": "spot:SPX\n-1.5", "changes": {"spot:SPX": "shifted"}}"#),
        found(
            r#"{"type": "monte_carlo", "paths": 1, "history": {"csv": "date,spot:SPX\n2020-01-01,1\n2020-01-02,2"}, "changes": {"spot:SPX": "absolute"}}"#,
        ),
    ];
    check(
        &all.join("--\n"),
        expect![[r#"
            spot:SPX 2020-04-20 change -55.29000 0.67
            spot:SPX 2020-04-21 change 45.89000 0.67
            note: spot:SPX ends at 8.91 in the history and is 100 in the market: if they are in different units, say "scale": {"spot:SPX": 0.01} or what it is
            2020-04-20: spot:SPX -0.552900
            2020-04-21: spot:SPX 0.458900
            --
            spot:SPX 2020-04-20 change -55.29000 0.67
            spot:SPX 2020-04-21 change 45.89000 0.67
            note: spot:SPX ends at 8.91 in the history and is 100 in the market: if they are in different units, say "scale": {"spot:SPX": 0.01} or what it is
            2020-04-21: spot:SPX -0.094000
            --
            spot:SPX 2020-04-20 change -55.29000 0.67
            spot:SPX 2020-04-21 change 45.89000 0.67
            2020-04-20: spot:SPX -0.552900
            2020-04-21: spot:SPX 0.458900
            --
            row 1: spot:SPX -1.500000, spot:COMP -0.100000
            --
            spot:SPX+spot:COMP -5: spot:SPX -0.050000, spot:COMP -0.100000
            spot:SPX+spot:COMP +120: spot:SPX 1.200000, spot:COMP 2.400000
            --
            input.scenarios.axes[0].factors[1]: spot:COMP does not move in the same unit as spot:SPX; give it an axis of its own
            --
            input.scenarios.changes.vol:SPX: its changes are absolute in any case; leave it out
            --
            input.scenarios.changes.fx:EURUSD: an exchange rate has relative changes only; leave it out
            --
            input.scenarios.changes.spot:SPX: these scenarios do not move it; leave it out
            --
            input.scenarios.changes.spot:SPY: unknown factor "spot:SPY"; the market has spot:SPX, spot:COMP, vol:SPX, rate:USD, fx:EURUSD
            --
            input.scenarios.csv:2:1 (spot:SPX): a relative shock of -1.5 would take spot:SPX to zero or below; it must be above -1 (-0.1 is 10 % down), or in units of the price, with "changes": {"spot:SPX": "absolute"}
            --
            changes.spot:SPX: unknown variant `shifted`, expected `relative` or `absolute`
            --
            input.scenarios.changes: goes into "history", beside its values
        "#]],
    );
}

#[test]
fn draws_of_absolute_changes_have_the_variance_that_was_given_in_units_of_the_price() {
    let given = r#"{"type": "monte_carlo", "paths": 100000, "factors": ["spot:SPX", "spot:COMP"], "per": "day", "volatilities": [3, 0.02], "correlation": [[1, 0.5], [0.5, 1]], "changes": {"spot:SPX": "absolute"}}"#;
    let input: ScenariosInput = serde_json::from_str(given).unwrap();
    let factors = market();
    let levels = vec![Some([100.0, 100.0]), Some([50.0, 50.0])];
    let basis = Basis {
        factors: &factors,
        levels,
        scales: Vec::new(),
        limits: Limits::default(),
        valuation_date: None,
    };
    let set = input.prepare(&basis, &Files::new()).unwrap();
    let mut block = ShockBlock::unshocked(5, set.count());
    set.fill(0..set.count(), 0, &mut block);
    let (spx, comp) = (block.row(0).unwrap(), block.row(1).unwrap());
    let mean = |product: &dyn Fn(f64, f64) -> f64| {
        spx.iter().zip(comp).map(|(x, y)| product(*x, *y)).sum::<f64>() / 1e5
    };
    // Differences, so their third moment is none; logarithms of the other.
    assert!((mean(&|x, _| x * x).sqrt() / 0.03 - 1.0).abs() < 0.01);
    assert!(mean(&|x, _| (x / 0.03).powi(3)).abs() < 0.05);
    assert!((mean(&|_, y| y.ln_1p().powi(2)).sqrt() / 0.02 - 1.0).abs() < 0.01);
    assert!((mean(&|x, y| x * y.ln_1p()) / (0.03 * 0.02) - 0.5).abs() < 0.02);
}

/// The expected numbers were computed apart, once by the recursion and once by the weights written out.
#[test]
fn changes_can_be_scaled_to_todays_volatility() {
    let csv = "date,spot:SPX\n2025-01-02,100\n2025-01-03,101\n2025-01-06,99\n2025-01-07,99.5\n2025-01-08,97\n2025-01-09,100\n2025-01-10,103\n2025-01-13,102.5\n";
    let shocks = |horizon: usize| {
        let json = format!(
            r#"{{"type": "historical", "csv": {}, "horizon_days": {horizon}, "scaling": {{"type": "ewma", "lambda": 0.9}}}}"#,
            serde_json::Value::from(csv)
        );
        let set = prepare(&json).unwrap();
        let shocks: Vec<f64> = (0..set.count()).map(|scenario| set.shocks_of(scenario)[0].1).collect();
        (set.about().to_owned(), shocks)
    };
    let expected: [(usize, &[f64]); 2] = [
        (
            1,
            &[
                0.010122874190374649,
                -0.020850870938679697,
                0.005318355939497594,
                -0.027749541060930524,
                0.032936534216149574,
                0.029899891401106323,
                -0.004618285722381836,
            ],
        ),
        (
            3,
            &[
                -0.00567888940664584,
                -0.04295885103875247,
                0.009614100824434188,
                0.034300673665097245,
                0.05890819404157221,
            ],
        ),
    ];
    for (horizon, expected) in expected {
        let (about, shocks) = shocks(horizon);
        assert!(
            about.ends_with("scaled to today's volatility (exponentially weighted, lambda 0.9)"),
            "{about}"
        );
        assert_eq!(shocks.len(), expected.len());
        for (shock, expected) in shocks.iter().zip(expected) {
            assert!((shock - expected).abs() < 1e-15, "{shock} {expected}");
        }
    }
    let refused = |scaling: &str| {
        prepare(&format!(r#"{{"type": "historical", "csv": "date,spot:SPX\n2020-01-01,1\n2020-01-02,2", "scaling": {scaling}}}"#)).unwrap_err()
    };
    assert_eq!(
        refused(r#"{"type": "ewma", "lambda": 94}"#),
        "input.scenarios.scaling.lambda: 94 is out of range; from 0.5 to below 1 (0.94 is usual for daily changes)"
    );
    assert!(
        refused(r#"{"type": "garch"}"#).contains("unknown variant"),
        "{}",
        refused(r#"{"type": "garch"}"#)
    );
}

#[test]
fn correlations_that_cannot_be_are_refused_with_their_size_or_repaired() {
    let given = |rest: &str| {
        found(&format!(
            r#"{{"type": "monte_carlo", "paths": 1, "factors": ["spot:SPX", "spot:COMP", "fx:EURUSD"], "per": "year", "volatilities": [0.2, 0.3, 0.1], "correlation": [[1, 0.9, 0.71], [0.9, 1, 0.95], [0.71, 0.95, 1]]{rest}}}"#
        ))
    };
    let told = |text: String| text.lines().next().unwrap().to_owned();
    let fine = r#"{"type": "monte_carlo", "paths": 1, "factors": ["spot:SPX"], "per": "year", "volatilities": [0.2], "correlation": [[1]], "repair": true}"#;
    let all = [
        told(given("")),
        told(given(r#", "repair": false"#)),
        told(given(r#", "repair": true"#)),
        told(found(fine)),
        told(found(
            r#"{"type": "monte_carlo", "paths": 1, "repair": true, "history": {"csv": "date,spot:SPX\n2020-01-01,1\n2020-01-02,2"}}"#,
        )),
    ];
    check(
        &all.join("\n"),
        expect![[r#"
            input.scenarios (covariance): not positive semi-definite: given the factors before it, fx:EURUSD would have a negative variance; the correlations' smallest eigenvalue is -0.00315311, where none may be below 0: give them with more digits, or take the nearest correlation matrix, with "repair": true
            input.scenarios (covariance): not positive semi-definite: given the factors before it, fx:EURUSD would have a negative variance; the correlations' smallest eigenvalue is -0.00315311, where none may be below 0: give them with more digits, or take the nearest correlation matrix, with "repair": true
            note: the correlations that were given (smallest eigenvalue -0.00315311) are replaced by the nearest correlation matrix (Higham 2002), at a Frobenius distance of 0.00432538; the largest change of a correlation is 0.00232262
            path 0: spot:SPX -0.001041
            input.scenarios.repair: does not go with "history", which says all of it; leave "repair" out"#]],
    );
}
