use super::*;

#[test]
fn every_workload_has_a_schema_of_an_object() {
    for workload in registry().iter() {
        let schema = workload.input_schema();
        assert_eq!(schema["type"], "object", "{}", workload.name());
        assert_eq!(schema["additionalProperties"], false, "{}", workload.name());
    }
}
