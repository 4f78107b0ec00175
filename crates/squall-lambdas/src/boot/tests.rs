use super::*;

fn filter(vars: &[(&str, &str)]) -> Result<String, String> {
    let find = |name: &str| vars.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned());
    let without_span = |filter: EnvFilter| filter.to_string().replace(REQUEST_SPAN, "").replace(',', "");
    log_filter(&find).map(without_span).map_err(|error| error.to_string())
}

#[test]
fn the_level_of_the_functions_logging_configuration_goes_before_rust_log() {
    assert_eq!(filter(&[]).unwrap(), "info");
    assert_eq!(filter(&[("RUST_LOG", "squall_grid=trace")]).unwrap(), "squall_grid=trace");
    assert_eq!(filter(&[("RUST_LOG", "trace"), ("AWS_LAMBDA_LOG_LEVEL", "WARN")]).unwrap(), "warn");
    assert_eq!(filter(&[("RUST_LOG", "trace"), ("AWS_LAMBDA_LOG_LEVEL", "")]).unwrap(), "trace");
    assert_eq!(filter(&[("AWS_LAMBDA_LOG_LEVEL", "FATAL")]).unwrap(), "error");
}

#[test]
fn a_level_that_is_none_is_named() {
    let error = filter(&[("RUST_LOG", "squall=loud")]).unwrap_err();
    assert_eq!(
        error,
        "RUST_LOG is `squall=loud`; expected a level (trace, debug, info, warn, error) or tracing directives"
    );
}
