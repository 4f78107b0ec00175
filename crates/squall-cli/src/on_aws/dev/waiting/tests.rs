use super::*;

#[test]
fn a_step_that_lasts_is_said_once_and_a_short_one_never() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (steps, said) = (Steps::default(), RefCell::new(Vec::new()));
    let work = async {
        steps.begin("making the stream".to_owned());
        sleep(LASTS / 5).await;
        steps.begin("making the table".to_owned());
        sleep(LASTS + LASTS / 2).await;
        "made"
    };
    let say = |step: &str| said.borrow_mut().push(step.to_owned());
    assert_eq!(runtime.block_on(steps.until(work, say)), "made");
    assert_eq!(said.into_inner(), ["making the table"]);
}
