//! JSON Schema of the positions, the market and the simulation settings.

use serde_json::{Value, json};

use super::super::positions::AsianSettings;
use super::super::units::{MAX_LIMIT, MAX_RATE, MAX_VOL};

/// The `positions` field.
pub fn positions() -> Value {
    json!({
        "description": "The positions: the path or URI of a CSV file, or its text. portfolio.md lists the columns.",
        "oneOf": [
            { "type": "string" },
            {
                "type": "object",
                "properties": { "csv": { "type": "string" } },
                "required": ["csv"],
                "additionalProperties": false
            }
        ]
    })
}

/// The `market` field.
pub fn market() -> Value {
    json!({
        "description": "The market: the path or URI of a JSON file, or the market itself.",
        "oneOf": [
            { "type": "string" },
            {
                "type": "object",
                "properties": {
                    "valuation_date": { "type": "string", "format": "date", "description": "Time is ACT/365F from here." },
                    "report_currency": currency("Currency that values are reported in."),
                    "curves": {
                        "type": "object",
                        "description": "Zero curves by name.",
                        "additionalProperties": curve()
                    },
                    "key_tenors": {
                        "type": "object",
                        "description": "By currency: tenors whose rates have a factor of their own, rate:USD:5Y.",
                        "additionalProperties": { "type": "array", "maxItems": 60, "items": tenor() }
                    },
                    "spreads": {
                        "type": "array",
                        "description": "Curves whose spread is a factor of its own, spread:USD-CORP.",
                        "items": { "type": "string" }
                    },
                    "discount": {
                        "type": "object",
                        "description": "The name of a currency's own curve, if it is not the currency's name.",
                        "additionalProperties": { "type": "string" }
                    },
                    "underlyings": {
                        "type": "object",
                        "description": "The underlyings of options and forwards, by name; an fx one is named like EURUSD.",
                        "additionalProperties": underlying()
                    },
                    "fx": {
                        "type": "object",
                        "description": "\"EURUSD\": 1.08 is the price of one EUR in USD.",
                        "propertyNames": { "pattern": "^[A-Z]{6}$" },
                        "additionalProperties": { "type": "number", "exclusiveMinimum": 0 }
                    },
                    "calendars": {
                        "type": "object",
                        "description": "Calendars of business days by name, closed on weekends and holidays; beside those by rule.",
                        "additionalProperties": {
                            "type": "object",
                            "properties": {
                                "holidays": { "type": "array", "items": { "type": "string", "format": "date" } }
                            },
                            "required": ["holidays"],
                            "additionalProperties": false
                        }
                    },
                    "limits": {
                        "type": "object",
                        "description": "Sizes beyond which a rate (or yield) or a volatility is taken for a percentage and refused.",
                        "properties": {
                            "rate": { "type": "number", "minimum": MAX_RATE, "maximum": MAX_LIMIT, "default": MAX_RATE },
                            "vol": { "type": "number", "minimum": MAX_VOL, "maximum": MAX_LIMIT, "default": MAX_VOL }
                        },
                        "additionalProperties": false
                    },
                    "arbitrage": {
                        "enum": ["report", "refuse"],
                        "default": "report",
                        "description": "Volatility surfaces that no market can have: named in the report, or refused."
                    }
                },
                "required": ["valuation_date", "report_currency"],
                "additionalProperties": false
            }
        ]
    })
}

/// The `asian` field.
pub fn asian() -> Value {
    let settings = AsianSettings::default();
    json!({
        "type": "object",
        "description": "Simulation of Asian options; a position may have its own number of paths.",
        "properties": {
            "paths": {
                "type": "integer",
                "minimum": AsianSettings::MIN_PATHS,
                "maximum": AsianSettings::MAX_PATHS,
                "default": settings.paths
            },
            "seed": { "type": "integer", "minimum": 0, "default": settings.seed }
        },
        "additionalProperties": false
    })
}

fn curve() -> Value {
    json!({
        "type": "object",
        "properties": {
            "currency": currency("Currency whose cash flows it discounts."),
            "interpolation": {
                "enum": ["linear_zero", "log_linear_discount"],
                "description": "Required with more than one point; outside the points the zero rate is flat."
            },
            "points": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "properties": { "tenor": tenor(), "rate": rate("Continuously compounded zero rate.") },
                    "required": ["tenor", "rate"],
                    "additionalProperties": false
                }
            }
        },
        "required": ["currency", "points"],
        "additionalProperties": false
    })
}

fn underlying() -> Value {
    json!({
        "type": "object",
        "properties": {
            "class": { "enum": ["equity", "index", "commodity", "fx"] },
            "currency": currency("Currency of its price; not for fx."),
            "model": {
                "enum": ["lognormal", "normal"],
                "default": "lognormal",
                "description": "normal: spot, strikes and shocks may be 0 and below, vol is in units of the price (Bachelier); not for fx, \
                                nor with dividends."
            },
            "spot": { "type": "number", "description": "Above 0 unless the model is normal; not for fx." },
            "dividend_yield": rate("Continuous; for equity and index; 0 if left out."),
            "convenience_yield": rate("Continuous, net of storage; for commodity; 0 if left out."),
            "dividends": {
                "type": "array",
                "maxItems": 1000,
                "description": "Cash on known ex-dates, each given as date or tenor; for equity and index.",
                "items": {
                    "type": "object",
                    "properties": {
                        "date": { "type": "string", "format": "date" },
                        "tenor": tenor(),
                        "amount": { "type": "number", "exclusiveMinimum": 0 }
                    },
                    "required": ["amount"],
                    "additionalProperties": false
                }
            },
            "vol": {
                "oneOf": [
                    vol(),
                    {
                        "type": "object",
                        "properties": {
                            "interpolation": {
                                "enum": ["linear_vol", "linear_total_variance"],
                                "description": "Between expiries; required with more than one."
                            },
                            "expiries": { "type": "array", "minItems": 1, "items": tenor() },
                            "strikes": {
                                "type": "array",
                                "minItems": 1,
                                "items": { "type": "number" }
                            },
                            "vols": {
                                "type": "array",
                                "description": "A row per expiry, a column per strike.",
                                "items": { "type": "array", "items": vol() }
                            }
                        },
                        "required": ["expiries", "strikes", "vols"],
                        "additionalProperties": false
                    }
                ]
            }
        },
        "required": ["class"],
        "additionalProperties": false
    })
}

fn currency(description: &str) -> Value {
    json!({ "type": "string", "pattern": "^[A-Z]{3}$", "description": description })
}

fn rate(description: &str) -> Value {
    json!({ "type": "number", "minimum": -MAX_LIMIT, "maximum": MAX_LIMIT, "description": description })
}

fn vol() -> Value {
    json!({ "type": "number", "minimum": 0, "description": "At most 10 unless the model is normal." })
}

fn tenor() -> Value {
    json!({
        "description": "Years, a calendar tenor like 10D, 2W, 3M, 2Y, or a date.",
        "oneOf": [
            { "type": "number", "exclusiveMinimum": 0, "maximum": 200 },
            { "type": "string", "pattern": "^([0-9]+[DWMY]|[0-9]{4}-[0-9]{2}-[0-9]{2})$" }
        ]
    })
}
