use expect_test::expect;

use super::*;
use crate::portfolio::labels::PositionLabel;
use crate::portfolio::partial::PositionValue;
use crate::portfolio::scenarios::{Basis, ScenarioSet, ScenariosInput};
use crate::portfolio::shock::Factors;

mod programs;

/// Two index options and a bond in two books; the market is an index, its volatility and a rate.
struct Desk {
    labels: Labels,
    columns: Columns,
    options: ReportOptions,
}

fn scenarios(input: &str) -> ScenarioSet {
    let factors =
        Factors(vec![Factor::Spot("SPX".into()), Factor::Vol("SPX".into()), Factor::Rate("USD".into())]);
    serde_json::from_str::<ScenariosInput>(input)
        .unwrap()
        .prepare(&Basis::new(&factors), &Default::default())
        .unwrap()
}

fn desk(input: &str, options: &str) -> Desk {
    let options: ReportOptions = serde_json::from_str(options).unwrap();
    let position = |(id, book, kind): (&str, u32, u32)| PositionLabel {
        id: id.to_owned(),
        book,
        kind,
        currency: 0,
        quote: None,
    };
    Desk {
        labels: Labels {
            n_expired: 0,
            n_projected: 0,
            aged_days: None,
            unmoved: Vec::new(),
            notes: Vec::new(),
            report_currency: "USD".into(),
            books: vec!["options".into(), "treasury".into()],
            kinds: vec!["european", "asian", "bond"],
            currencies: vec!["USD".into()],
            positions: [("CALL-1", 0, 0), ("ASIAN-1", 0, 1), ("BOND-1", 1, 2)].map(position).to_vec(),
            factor_levels: vec![Some(2500.0), None, None],
            unreliable: Vec::new(),
        },
        columns: Columns::new(scenarios(input), options.greeks),
        options,
    }
}

const TWENTY_DAYS: &str = r#"{"type": "explicit", "csv": "scenario,spot:SPX,vol:SPX,rate:USD\nd1,-0.031,0.041,-0.0005\nd2,-0.012,0.012,0.0001\nd3,0.004,-0.003,0\nd4,0.011,-0.008,0.0002\nd5,-0.002,0.001,-0.0001\nd6,0.006,-0.004,0.0003\nd7,0.001,0,0\nd8,-0.008,0.009,-0.0002\nd9,0.009,-0.007,0.0001\nd10,-0.019,0.022,-0.0004\nd11,0.003,-0.002,0.0001\nd12,0.007,-0.006,0.0002\nd13,-0.005,0.004,0\nd14,0.002,-0.001,-0.0001\nd15,0.013,-0.01,0.0004\nd16,-0.001,0.002,0\nd17,0.005,-0.005,0.0001\nd18,-0.009,0.01,-0.0003\nd19,0.008,-0.004,0.0002\nd20,0,0.001,0.0012"}"#;

impl Desk {
    /// The sums of some positions in some columns, by a valuation that fits on a line.
    fn partial(&self, positions: std::ops::Range<usize>, columns: std::ops::Range<usize>) -> Partial {
        let block = self.columns.block(columns.clone());
        let shock = |factor: usize, idx: usize| block.row(factor).map_or(0.0, |row| row[idx]);
        let mut partial = Partial::default();
        for position in positions {
            let value = |idx: usize| {
                let (spot, vol, rate) = (shock(0, idx), shock(1, idx), shock(2, idx));
                let units = match position {
                    0 => 500_000.0 * (1.0 + 12.0 * spot + 60.0 * spot * spot + 2.0 * vol),
                    1 => -200_000.0 * (1.0 + 7.0 * spot + 3.0 * vol),
                    _ => 1_000_000.0 / (1.0 + 5.0 * (0.02 + rate)),
                };
                crate::portfolio::money::micros(units).unwrap()
            };
            let values: Vec<i128> = (0..columns.len()).map(value).collect();
            let label = &self.labels.positions[position];
            let first = u32::try_from(columns.start).unwrap();
            partial.merge(Partial::of_position(label.book, label.kind, first, &values));
            if self.options.positions && columns.contains(&0) {
                let error = (position == 1).then_some(0.012_5);
                let price = values[0] as f64 / 3e6;
                let position_idx = u32::try_from(position).unwrap();
                partial.note_position(position_idx, PositionValue::new(price, error, values[0]));
            }
        }
        partial
    }

    fn report(&self, partial: Option<&Partial>, done: u64) -> Report {
        let (labels, columns, options) = (&self.labels, &self.columns, &self.options);
        let coverage = Coverage { weight_done: done, weight_total: 100 };
        Report::new(ReportInput { labels, columns, options, partial, coverage: &coverage })
    }

    fn whole(&self) -> Partial {
        self.partial(0..3, 0..self.columns.count())
    }

    fn headline(&self, partial: &Partial) -> Option<String> {
        headline(&self.labels, &self.columns, &self.options, partial)
    }
}

const EVERYTHING: &str =
    r#"{"levels": [0.9, 0.95, 0.99], "worst": 3, "greeks": true, "positions": true, "histogram": 8}"#;

#[test]
fn a_whole_report_for_people() {
    let desk = desk(TWENTY_DAYS, EVERYTHING);
    expect![[r#"
        PORTFOLIO RISK, amounts in USD
          Positions   3 in 2 books
          Scenarios   20 given scenarios
          Base value  1,209,091

        VALUE AT RISK AND EXPECTED SHORTFALL, losses positive
          level     VaR  95% interval from  to  expected shortfall  standard error
          90%    66,114             20,650   ?              80,707          17,572
          95%    95,299             33,729   ?              95,299               ?
          Too few scenarios for 99% (needs 100)

        PROFIT AND LOSS over 20 scenarios
            worst    best  mean  standard deviation  skewness  excess kurtosis
          -95,299  59,220   -42              39,630     -0.71            -0.01

          quantile       1%       5%      25%    50%     75%     95%     99%
          P&L       -95,299  -95,299  -30,453  4,630  25,842  50,204  59,220

          P&L from       to  scenarios
          -100,000  -80,000          1  #############
           -80,000  -60,000          1  #############
           -60,000  -40,000          1  #############
           -40,000  -20,000          3  ######################################
           -20,000        0          3  ######################################
                 0   20,000          4  ##################################################
            20,000   40,000          4  ##################################################
            40,000   60,000          3  ######################################

        WORST SCENARIOS
          scenario      P&L  largest shocks
          d1        -95,299  vol:SPX +4.1pt, spot:SPX -3.1%, rate:USD -5bp
          d10       -66,114  vol:SPX +2.2pt, spot:SPX -1.9%, rate:USD -4bp
          d2        -46,493  spot:SPX -1.2%, vol:SPX +1.2pt, rate:USD +1bp

        BY BOOK, risk at 95%
          book      positions  base value  worst scenario  95% VaR alone  95% ES alone  part of ES   share
          options           2     300,000         -97,370         97,370        97,370      97,370  102.2%
          treasury          1     909,091           2,071          4,932         4,932      -2,071   -2.2%

        BY KIND, risk at 95%
          kind      positions  base value  worst scenario  95% VaR alone  95% ES alone  part of ES   share
          european          1     500,000        -116,170        116,170       116,170     116,170  121.9%
          asian             1    -200,000          18,800         12,200        12,200     -18,800  -19.7%
          bond              1     909,091           2,071          4,932         4,932      -2,071   -2.2%

        GREEKS, by bumping one factor and revaluing everything
          underlying  delta per 1 %  gamma per 1 %  delta per 1.00  vega per point
          SPX                46,000          6,000           1,840           4,000

          currency  rho per basis point
          USD                      -413

        POSITIONS, 3 of 3 valued
          position  book      kind              price       standard error  value (USD)
          CALL-1    options   european  166666.666667  USD                   500,000.00
          ASIAN-1   options   asian     -66666.666667  USD        0.012500  -200,000.00
          BOND-1    treasury  bond      303030.303030  USD                   909,090.91
    "#]]
    .assert_eq(&desk.report(Some(&desk.whole()), 100).to_string());
}

#[test]
fn a_partial_report_says_so_and_counts_only_whole_scenarios() {
    let desk = desk(TWENTY_DAYS, r#"{"levels": [0.9], "worst": 1, "histogram": 0}"#);
    let mut partial = desk.partial(0..3, 0..13);
    partial.merge(desk.partial(0..2, 13..18));
    expect![[r#"
        PARTIAL: 63 % of the work is in; 12 of 20 scenarios fully revalued

        PORTFOLIO RISK, amounts in USD
          Positions   3 in 2 books
          Scenarios   20 given scenarios
          Base value  1,209,091

        VALUE AT RISK AND EXPECTED SHORTFALL, losses positive
          level     VaR  95% interval from  to  expected shortfall  standard error
          90%    66,114              8,267   ?              90,435               ?

        PROFIT AND LOSS over 12 scenarios
            worst    best    mean  standard deviation  skewness  excess kurtosis
          -95,299  50,204  -5,363              45,256     -0.69            -0.65

          quantile       1%       5%      25%    50%     75%     95%     99%
          P&L       -95,299  -95,299  -46,493  4,630  25,842  50,204  50,204

        WORST SCENARIOS
          scenario      P&L  largest shocks
          d1        -95,299  vol:SPX +4.1pt, spot:SPX -3.1%, rate:USD -5bp

        BY BOOK, risk at 90%
          book      positions  base value  worst scenario  90% VaR alone  90% ES alone  part of ES   share
          options           2     300,000         -97,370         67,770        92,437      92,437  102.2%
          treasury          1     909,091           2,071            826         1,169      -2,002   -2.2%

        BY KIND, risk at 90%
          kind      positions  base value  worst scenario  90% VaR alone  90% ES alone  part of ES   share
          european          1     500,000        -116,170         81,170       110,337     110,337  122.0%
          asian             1    -200,000          18,800          8,400        10,233     -17,900  -19.8%
          bond              1     909,091           2,071            826         1,169      -2,002   -2.2%
    "#]]
    .assert_eq(&desk.report(Some(&partial), 63).to_string());
}

#[test]
fn without_the_base_there_is_no_profit_and_loss() {
    let desk = desk(TWENTY_DAYS, r#"{"greeks": true}"#);
    let mut partial = desk.partial(0..3, 9..14);
    partial.merge(desk.partial(1..3, 0..9));
    assert_eq!(desk.headline(&partial), None);
    expect![[r#"
        PARTIAL: 40 % of the work is in; 5 of 20 scenarios fully revalued

        PORTFOLIO RISK, amounts in USD
          Positions   3 in 2 books
          Scenarios   20 given scenarios
          Base value  not in yet (2 of 3 positions), so there is no profit and loss

        BY BOOK
          book      positions
          options           2
          treasury          1

        BY KIND
          kind      positions
          european          1
          asian             1
          bond              1

        GREEKS, by bumping one factor and revaluing everything
          not in yet
    "#]]
    .assert_eq(&desk.report(Some(&partial), 40).to_string());
    let nothing = desk.report(None, 0).to_string();
    assert!(
        nothing.starts_with("PARTIAL: 0 % of the work is in; 0 of 20 scenarios fully revalued"),
        "{nothing}"
    );
}

#[test]
fn stress_scenarios_have_no_value_at_risk() {
    let grid = r#"{"type": "grid", "axes": [{"factor": "spot:SPX", "shocks": [-0.2, 0.2]}]}"#;
    let desk = desk(grid, r#"{"worst": 2}"#);
    expect![[r#"
        PORTFOLIO RISK, amounts in USD
          Positions   3 in 2 books
          Scenarios   2 stress scenarios
          Base value  1,209,091
          (Stress scenarios have no probabilities: no value at risk, no quantiles.)

        PROFIT AND LOSS over 2 scenarios
            worst       best
          280,000  2,120,000

        WORST SCENARIOS
          scenario             P&L  largest shocks
          spot:SPX -20%    280,000  spot:SPX -20%
          spot:SPX +20%  2,120,000  spot:SPX +20%

        BY BOOK
          book      positions  base value  worst scenario
          options           2     300,000         280,000
          treasury          1     909,091               0

        BY KIND
          kind      positions  base value  worst scenario
          european          1     500,000               0
          asian             1    -200,000         280,000
          bond              1     909,091               0
    "#]]
    .assert_eq(&desk.report(Some(&desk.whole()), 100).to_string());
    expect!["worst P&L 280k USD (2 scenarios)"].assert_eq(&desk.headline(&desk.whole()).unwrap_or_default());
}

#[test]
fn one_scenario_is_too_few_for_any_level() {
    let desk = desk(r#"{"type": "explicit", "csv": "spot:SPX\n-0.01"}"#, r#"{"levels": [0.5, 0.99]}"#);
    expect![[r#"
        PORTFOLIO RISK, amounts in USD
          Positions   3 in 2 books
          Scenarios   1 given scenario
          Base value  1,209,091

        VALUE AT RISK AND EXPECTED SHORTFALL, losses positive
          Too few scenarios for 50% (needs 2), 99% (needs 100)

        PROFIT AND LOSS over 1 scenario
            worst     best     mean
          -43,000  -43,000  -43,000

          quantile       1%       5%      25%      50%      75%      95%      99%
          P&L       -43,000  -43,000  -43,000  -43,000  -43,000  -43,000  -43,000

        WORST SCENARIOS
          scenario      P&L  largest shocks
          row 1     -43,000  spot:SPX -1%

        BY BOOK
          book      positions  base value  worst scenario
          options           2     300,000         -43,000
          treasury          1     909,091               0

        BY KIND
          kind      positions  base value  worst scenario
          european          1     500,000         -57,000
          asian             1    -200,000          14,000
          bond              1     909,091               0
    "#]]
    .assert_eq(&desk.report(Some(&desk.whole()), 100).to_string());
}

#[test]
fn the_headline_is_the_highest_level_that_the_scenarios_support() {
    let desk = desk(TWENTY_DAYS, r#"{"levels": [0.99, 0.95, 0.9]}"#);
    let headlines =
        [21, 14, 4, 1].map(|n_columns| desk.headline(&desk.partial(0..3, 0..n_columns)).unwrap_or_default());
    expect![[r#"
        VaR 95% 95.3k USD (20 scenarios)
        VaR 90% 66.1k USD (13 of 20 scenarios)
        worst P&L -95.3k USD (3 of 20 scenarios)
    "#]]
    .assert_eq(&headlines.join("\n"));
}

#[test]
fn contributions_add_up_and_every_amount_is_exact() {
    let desk = desk(TWENTY_DAYS, r#"{"levels": [0.9]}"#);
    let report = desk.report(Some(&desk.whole()), 100);
    let shortfall = report.risk[0].1.as_ref().unwrap().expected_shortfall;
    for groups in [&report.books, &report.kinds] {
        assert_eq!(groups.iter().filter_map(|group| group.contribution).sum::<i128>(), shortfall);
        assert_eq!(
            groups.iter().filter_map(|group| group.base_value).sum::<i128>(),
            report.base_value.unwrap()
        );
    }
}

#[test]
fn options_have_defaults_and_bounds() {
    let options = |json: &str| serde_json::from_str::<ReportOptions>(json).map_err(|e| e.to_string());
    let default = options("{}").unwrap();
    assert_eq!(default, ReportOptions::default());
    assert_eq!(default.levels.iter().map(ToString::to_string).collect::<Vec<_>>(), ["95%", "97.5%", "99%"]);
    let errors: Vec<String> = [
        r#"{"level": 0.9}"#,
        r#"{"levels": []}"#,
        r#"{"levels": [0.9, 0.9]}"#,
        r#"{"levels": [99]}"#,
        r#"{"worst": 5000}"#,
        r#"{"histogram": 1000}"#,
    ]
    .map(|json| options(json).unwrap_err())
    .to_vec();
    expect![[r#"
        unknown field `level`, expected one of `levels`, `worst`, `greeks`, `positions`, `histogram` at line 1 column 8
        0 levels; give 1 to 10 at line 1 column 14
        the level 90% is there twice at line 1 column 22
        99 is no level; write it like 0.99, from 0.5 to below 1 at line 1 column 15
        5000 worst scenarios; at most 1000 can be shown at line 1 column 15
        1000 bins; at most 200 can be shown at line 1 column 19"#]].assert_eq(&errors.join("\n"));
    assert_eq!(report_options_schema()["properties"].as_object().unwrap().len(), 5);
}
