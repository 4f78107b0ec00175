use proptest::prelude::*;

use super::*;
use crate::wire::encode;

fn span(subtask: u32, invoked_us: u64, took_us: u64) -> Span {
    let at = |nth: u64| invoked_us + took_us * nth / 4;
    Span {
        subtask,
        stripe: 3,
        attempt: 1,
        why: Start::Turn,
        cold: false,
        end: SpanEnd::Answered,
        invoked_us,
        began_us: at(1),
        loaded_us: at(2),
        ended_us: at(3),
        answered_us: at(4),
    }
}

#[test]
fn a_short_task_is_shown_to_the_microsecond() {
    let spans = vec![span(0, 10, 400_000), span(1, 20, 500_000)];
    let packed = Spans::pack(spans.clone(), 10);
    assert_eq!(packed.iter().collect::<Vec<_>>(), spans);
    assert_eq!((packed.len(), packed.left_out(), packed.is_empty()), (2, 0, false));
}

#[test]
fn the_longest_are_kept_and_the_others_counted() {
    let spans = (0..100).map(|n| span(n, u64::from(n), u64::from(n % 10) * 1_000)).collect();
    let packed = Spans::pack(spans, 10);
    assert_eq!((packed.len(), packed.left_out()), (10, 90));
    assert!(packed.iter().all(|span| span.subtask % 10 == 9));
}

#[test]
fn a_span_takes_sixteen_bytes() {
    let many = |n: u32| encode(&Spans::pack((0..n).map(|n| span(n, 5, 900_000_000)).collect(), 10_000)).len();
    assert_eq!(many(1_100) - many(1_000), 1_600);
}

#[test]
fn spans_have_a_fiftieth_of_the_bytes_or_eight_places() {
    assert_eq!((room_beside(0), room_beside(6_400), room_beside(800_000)), (8, 8, 1_000));
    let bytes = 3_000_000;
    assert!(room_beside(bytes) * PackedSpan::BYTES * 50 <= bytes);
}

fn any_span() -> impl Strategy<Value = Span> {
    let times =
        (0_u64..900_000_000, 0_u64..1_000_000, 0_u64..1_000_000, 0_u64..900_000_000, 0_u64..1_000_000);
    let why = prop::sample::select(vec![Start::Turn, Start::Retry, Start::Hedge]);
    let end = prop::sample::select(vec![SpanEnd::Answered, SpanEnd::Surplus, SpanEnd::Failed]);
    (0_u32..10_000, 0_u32..256, 1_u32..16, why, any::<bool>(), end, times).prop_map(
        |(subtask, stripe, attempt, why, cold, end, (a, b, c, d, e))| Span {
            subtask,
            stripe,
            attempt,
            why,
            cold,
            end,
            invoked_us: a,
            began_us: a + b,
            loaded_us: a + b + c,
            ended_us: a + b + c + d,
            answered_us: a + b + c + d + e,
        },
    )
}

proptest! {
    #[test]
    fn what_is_packed_is_off_by_less_than_a_unit(span in any_span()) {
        let packed = Spans::pack(vec![span], 1);
        let unit = 1_u64 << packed.shift;
        let found = packed.iter().next().unwrap();
        let exact = |it: Span| (it.subtask, it.stripe, it.attempt, it.why, it.cold, it.end);
        prop_assert_eq!(exact(found), exact(span));
        let times = |it: Span| [it.invoked_us, it.began_us, it.loaded_us, it.ended_us, it.answered_us];
        for (found, told) in times(found).into_iter().zip(times(span)) {
            prop_assert!(found <= told && told - found < unit, "{} {} {}", found, told, unit);
        }
        prop_assert!(unit <= 4_096, "of half an hour, two milliseconds or so: {}", unit);
    }

    #[test]
    fn any_bytes_unpack_without_a_panic(bytes: [u8; 16], shift: u8) {
        let spans = Spans { shift, packed: vec![PackedSpan(bytes)], left_out: 0 };
        prop_assert_eq!(spans.iter().count(), 1);
    }
}
