use super::*;

#[tokio::test]
async fn a_real_clock_keeps_its_promises() {
    assert_eq!(squall_contracts::clock(&WallClock).await, Ok(()));
}

#[test]
fn time_is_microseconds_since_1970() {
    // 2025-01-01 and 2100-01-01: no other unit falls between them.
    assert!((1_735_689_600_000_000..4_102_444_800_000_000).contains(&WallClock.now_us()));
}
