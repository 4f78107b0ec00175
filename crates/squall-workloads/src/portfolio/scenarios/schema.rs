//! JSON Schema of the `scenarios` object.

use serde_json::{Map, Value, json};

use super::{MAX_HORIZON_DAYS, MAX_SCENARIOS};

/// JSON Schema of [`super::ScenariosInput`].
pub fn scenarios_schema() -> Value {
    json!({
        "description": "What the market may look like. Shocks are relative for spot and fx (0.01 is 1 % up), absolute \
                        for vol (0.01 is one volatility point) and rate (0.0001 is one basis point).",
        "oneOf": [explicit(), historical(), monte_carlo(), grid(), none()],
    })
}

fn variant(name: &str, description: &str, required: &[&str], properties: Value) -> Value {
    let mut all = Map::new();
    all.insert("type".to_owned(), json!({"const": name}));
    if let Value::Object(properties) = properties {
        all.extend(properties);
    }
    let required: Vec<&str> = std::iter::once("type").chain(required.iter().copied()).collect();
    json!({
        "type": "object",
        "description": description,
        "required": required,
        "properties": all,
        "additionalProperties": false,
    })
}

fn explicit() -> Value {
    variant(
        "explicit",
        "Shocks written out: a column \"scenario\" (optional label) and one column for each factor. Give file or csv.",
        &[],
        json!({"file": file(), "csv": csv(), "changes": changes()}),
    )
}

fn historical() -> Value {
    variant(
        "historical",
        "Changes over overlapping windows of a history. Give file or csv.",
        &[],
        json!({
            "file": file(),
            "csv": csv(),
            "values": values(),
            "horizon_days": {"type": "integer", "minimum": 1, "maximum": MAX_HORIZON_DAYS, "default": 1, "description": "window in rows"},
            "scale": scale(),
            "missing": missing(),
            "skip_dates": skip_dates(),
            "changes": changes(),
            "scaling": decaying(
                "ewma",
                "changes are brought to today's volatility, by exponentially weighted averages (Hull and White 1998)",
            ),
            "weights": decaying(
                "exponential",
                "each window weighs lambda times as much as the next, a row younger (Boudoukh, Richardson, Whitelaw 1998)",
            ),
        }),
    )
}

/// An object with a decay factor.
fn decaying(kind: &str, description: &str) -> Value {
    json!({
        "type": "object",
        "description": description,
        "properties": {
            "type": {"const": kind},
            "lambda": {"type": "number", "minimum": 0.5, "exclusiveMaximum": 1},
        },
        "required": ["type", "lambda"],
        "additionalProperties": false,
    })
}

fn monte_carlo() -> Value {
    let matrix = json!({"type": "array", "items": {"type": "array", "items": {"type": "number"}}});
    let history = json!({
        "type": "object",
        "description": "estimate the covariance of daily changes from this history, instead of giving one",
        "properties": {
            "file": file(), "csv": csv(), "values": values(), "scale": scale(), "missing": missing(),
            "skip_dates": skip_dates(), "changes": changes(),
        },
        "additionalProperties": false,
    });
    variant(
        "monte_carlo",
        "Draws from a distribution. Give history, or factors and per with covariance or volatilities and correlation.",
        &["paths"],
        json!({
            "paths": {"type": "integer", "minimum": 1, "maximum": MAX_SCENARIOS},
            "horizon_days": {"type": "integer", "minimum": 1, "maximum": MAX_HORIZON_DAYS, "default": 1},
            "seed": {"type": "integer", "minimum": 0, "default": 0},
            "distribution": {"enum": ["normal", "student_t"], "default": "normal"},
            "degrees_of_freedom": {"type": "number", "exclusiveMinimum": 2, "maximum": 1e6},
            "factors": {"type": "array", "items": factor(), "minItems": 1},
            "covariance": matrix,
            "volatilities": {"type": "array", "items": {"type": "number", "minimum": 0}},
            "correlation": matrix,
            "repair": {"type": "boolean", "default": false,
                       "description": "replace correlations that cannot be by the nearest that can (Higham 2002)"},
            "changes": changes(),
            "per": {"enum": ["day", "year"], "description": "a year has 252 trading days"},
            "history": history,
            "mean": {"enum": ["zero", "sample"], "default": "zero", "description": "only with history"},
        }),
    )
}

fn grid() -> Value {
    let axis = json!({
        "type": "object",
        "description": "factors that move together; give factor or factors",
        "required": ["shocks"],
        "properties": {
            "factor": factor(),
            "factors": {"type": "array", "items": factor(), "minItems": 1},
            "name": {"type": "string", "description": "what labels call the axis"},
            "shocks": {"type": "array", "items": {"type": "number"}, "minItems": 1},
        },
        "additionalProperties": false,
    });
    variant(
        "grid",
        "Stress tests: every combination of the axes' shocks, the last axis fastest.",
        &["axes"],
        json!({"axes": {"type": "array", "items": axis, "minItems": 1}, "changes": changes()}),
    )
}

fn none() -> Value {
    variant("none", "No scenario: value, and Greeks if they are asked for. The default.", &[], json!({}))
}

fn skip_dates() -> Value {
    json!({
        "type": "array",
        "items": {"type": "string", "format": "date"},
        "description": "rows that are left out, by date, before any change is taken",
    })
}

fn changes() -> Value {
    json!({
        "type": "object",
        "description": "\"spot:WTI\": \"absolute\" takes a spot's changes in units of its price, so that levels may be negative",
        "additionalProperties": {"enum": ["relative", "absolute"]},
    })
}

fn factor() -> Value {
    json!({"type": "string", "pattern": "^(spot|vol|rate|spread|fx):.+$"})
}

fn file() -> Value {
    json!({"type": "string", "description": "name of a CSV file"})
}

fn csv() -> Value {
    json!({"type": "string", "description": "the CSV itself"})
}

fn values() -> Value {
    json!({"enum": ["levels", "returns"], "default": "levels"})
}

fn scale() -> Value {
    json!({
        "type": "object",
        "description": "what a column's cells are multiplied by: 0.01 for a volatility index in points",
        "additionalProperties": {"type": "number", "exclusiveMinimum": 0},
    })
}

fn missing() -> Value {
    json!({"enum": ["refuse", "skip_row"], "default": "refuse"})
}
