//! The report as programs read it.

use expect_test::expect;

use super::{TWENTY_DAYS, desk};

#[test]
fn a_whole_report_for_programs() {
    let desk = desk(
        TWENTY_DAYS,
        r#"{"levels": [0.9, 0.99], "worst": 1, "greeks": true, "positions": true, "histogram": 2}"#,
    );
    let report = desk.report(Some(&desk.whole()), 100);
    expect![[r#"
        {
          "report_currency": "USD",
          "partial": false,
          "work_done": 1.0,
          "positions_total": 3,
          "scenarios": {
            "about": "20 given scenarios",
            "total": 20,
            "fully_revalued": 20
          },
          "base_value": "1209090.909091",
          "pnl": {
            "scenarios": 20,
            "minimum": "-95299.177884",
            "maximum": "59220.107243",
            "mean": "-42.338583",
            "standard_deviation": "39629.832791",
            "skewness": -0.7066866544217549,
            "excess_kurtosis": -0.007766823550967583,
            "quantiles": [
              {
                "probability": 0.01,
                "pnl": "-95299.177884"
              },
              {
                "probability": 0.05,
                "pnl": "-95299.177884"
              },
              {
                "probability": 0.25,
                "pnl": "-30452.801721"
              },
              {
                "probability": 0.5,
                "pnl": "4630.000000"
              },
              {
                "probability": 0.75,
                "pnl": "25842.018735"
              },
              {
                "probability": 0.95,
                "pnl": "50204.304351"
              },
              {
                "probability": 0.99,
                "pnl": "59220.107243"
              }
            ],
            "histogram": [
              {
                "from": "-100000.000000",
                "to": "0.000000",
                "count": 9
              },
              {
                "from": "0.000000",
                "to": "100000.000000",
                "count": 11
              }
            ]
          },
          "risk": [
            {
              "level": 0.9,
              "value_at_risk": "66114.096705",
              "value_at_risk_95_percent_interval": [
                "20650.000000",
                null
              ],
              "expected_shortfall": "80706.637294",
              "expected_shortfall_standard_error": "17571.745765"
            },
            {
              "level": 0.99,
              "value_at_risk": null,
              "expected_shortfall": null,
              "scenarios_needed": 100
            }
          ],
          "worst_scenarios": [
            {
              "scenario": 0,
              "label": "d1",
              "pnl": "-95299.177884",
              "shocks": {
                "vol:SPX": 0.041,
                "spot:SPX": -0.031,
                "rate:USD": -0.0005
              }
            }
          ],
          "group_level": 0.9,
          "by_book": [
            {
              "name": "options",
              "positions": 2,
              "base_value": "300000.000000",
              "pnl_in_worst_scenario": "-97370.000000",
              "value_at_risk": "67770.000000",
              "expected_shortfall": "82570.000000",
              "contribution_to_expected_shortfall": "82570.000000",
              "share_of_expected_shortfall": 1.023088
            },
            {
              "name": "treasury",
              "positions": 1,
              "base_value": "909090.909091",
              "pnl_in_worst_scenario": "2070.822116",
              "value_at_risk": "1649.892757",
              "expected_shortfall": "3290.834920",
              "contribution_to_expected_shortfall": "-1863.362706",
              "share_of_expected_shortfall": -0.023088
            }
          ],
          "by_kind": [
            {
              "name": "european",
              "positions": 1,
              "base_value": "500000.000000",
              "pnl_in_worst_scenario": "-116170.000000",
              "value_at_risk": "81170.000000",
              "expected_shortfall": "98670.000000",
              "contribution_to_expected_shortfall": "98670.000000",
              "share_of_expected_shortfall": 1.222576
            },
            {
              "name": "asian",
              "positions": 1,
              "base_value": "-200000.000000",
              "pnl_in_worst_scenario": "18800.000000",
              "value_at_risk": "10600.000000",
              "expected_shortfall": "11400.000000",
              "contribution_to_expected_shortfall": "-16100.000000",
              "share_of_expected_shortfall": -0.199488
            },
            {
              "name": "bond",
              "positions": 1,
              "base_value": "909090.909091",
              "pnl_in_worst_scenario": "2070.822116",
              "value_at_risk": "1649.892757",
              "expected_shortfall": "3290.834920",
              "contribution_to_expected_shortfall": "-1863.362706",
              "share_of_expected_shortfall": -0.023088
            }
          ],
          "greeks": {
            "by_underlying": [
              {
                "name": "SPX",
                "delta_per_percent": "46000.000000",
                "gamma_per_percent": "6000.000000",
                "delta_per_unit": 1840.0,
                "vega_per_point": "4000.000000"
              }
            ],
            "by_currency": [
              {
                "currency": "USD",
                "rho_per_basis_point": "-413.223226"
              }
            ]
          },
          "positions": [
            {
              "id": "CALL-1",
              "book": "options",
              "kind": "european",
              "currency": "USD",
              "price": 166666.66666666666,
              "value": "500000.000000"
            },
            {
              "id": "ASIAN-1",
              "book": "options",
              "kind": "asian",
              "currency": "USD",
              "price": -66666.66666666667,
              "standard_error": 0.0125,
              "value": "-200000.000000"
            },
            {
              "id": "BOND-1",
              "book": "treasury",
              "kind": "bond",
              "currency": "USD",
              "price": 303030.3030303333,
              "value": "909090.909091"
            }
          ]
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&report).unwrap());
}
