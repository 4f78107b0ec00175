use proptest::prelude::*;

use super::*;

fn cost_of(receipt: &Receipt) -> NanoUsd {
    Prices::default().cost_of(receipt)
}

#[test]
fn each_item_costs_its_list_price() {
    let nothing = Receipt::default();
    let gb_s = 1_024 * 1_000_000;
    let million = 1_000_000;
    let table = [
        // $0.0000133334 a GB-second, and 13 dollars and a third of a cent for a million of them.
        (Receipt { worker_mb_us: gb_s, ..nothing }, 13_333),
        (Receipt { worker_mb_us: million * gb_s, ..nothing }, 13_333_400_000),
        (Receipt { consumer_mb_us: million * gb_s, ..nothing }, 13_333_400_000),
        // $0.20 a million requests, of workers and of consumers.
        (Receipt { invocations: million, ..nothing }, 200_000_000),
        (Receipt { tasks: million, ..nothing }, 200_000_000),
        // $0.014 a million PUT payload units.
        (Receipt { put_units: million, ..nothing }, 14_000_000),
        // $0.625 a million write request units.
        (Receipt { store_writes: million, ..nothing }, 625_000_000),
        // What is refused or only counted is free.
        (
            Receipt {
                subtasks: 1,
                throttles: 1,
                retries: 1,
                hedges: 1,
                worker_us: gb_s,
                duplicate_us: gb_s,
                ..nothing
            },
            0,
        ),
        // 10 000 cores for 10 s at 1 769 MB: 172 754 GB-seconds and 400 000 requests.
        (
            Receipt { worker_mb_us: 10_000 * 10 * million * 1_769, invocations: 400_000, ..nothing },
            2_303_396_933 + 80_000_000,
        ),
    ];
    for (receipt, nano_usd) in table {
        assert_eq!(cost_of(&receipt), NanoUsd(nano_usd), "{receipt:?}");
    }
}

#[test]
fn a_deployment_pays_the_prices_of_its_region_and_architecture() {
    let gb_s = Receipt { worker_mb_us: 1_024 * 1_000_000, ..Receipt::default() };
    let puts = Receipt { put_units: 1_000_000, ..Receipt::default() };
    let cost = |region, architecture, receipt| Prices::of(region, architecture).cost_of(receipt).0;
    assert_eq!(cost("us-east-1", Architecture::Arm64, &gb_s), 13_333);
    assert_eq!(cost("us-east-1", Architecture::X86_64, &gb_s), 16_666);
    assert_eq!(cost("ap-northeast-1", Architecture::Arm64, &puts), 21_500_000);
    assert_eq!(Prices::of("us-west-2", Architecture::Arm64), Prices::default());
    // No entry: the prices of us-east-1, and it says so.
    assert_eq!(Prices::of("mx-central-1", Architecture::Arm64), Prices::default());
    assert_eq!(stand_ins("us-east-1"), Vec::<&str>::new());
    assert_eq!(stand_ins("ap-northeast-1"), ["S3"]);
    assert_eq!(stand_ins("eu-west-1"), ["Kinesis", "DynamoDB", "S3"]);
    assert_eq!(stand_ins("mx-central-1"), ["Lambda", "Kinesis", "DynamoDB", "S3"]);
}

#[test]
fn money_reads_well() {
    let texts =
        [0, 999, 1_000, 1_234_567_890, 1_000_000_000_000_000, u64::MAX].map(|nano| NanoUsd(nano).to_string());
    assert_eq!(
        texts,
        [
            "$0.000000000",
            "$0.000000999",
            "$0.000001000",
            "$1.234567",
            "$1000000.000000",
            "$18446744073.709551"
        ]
    );
}

#[test]
fn dollars_are_taken_as_they_are_written() {
    let table = [
        (0.0, Some(0)),
        (1e-9, Some(1)),
        (0.1, Some(100_000_000)),
        (0.29, Some(290_000_000)),
        (1e6, Some(1_000_000_000_000_000)),
        (1e6 + 0.1, None),
        (-1e-9, None),
        (f64::NAN, None),
        (f64::INFINITY, None),
    ];
    for (usd, nano_usd) in table {
        assert_eq!(NanoUsd::from_usd(usd), nano_usd.map(NanoUsd), "{usd}");
        if let Some(nano_usd) = nano_usd {
            assert_eq!(NanoUsd(nano_usd).usd(), usd);
        }
    }
}

proptest! {
    #[test]
    fn no_receipt_is_too_large(mb_us: u64, tasks: u64, invocations: u64, puts: u64, writes: u64) {
        let receipt = Receipt {
            worker_mb_us: mb_us, consumer_mb_us: mb_us, tasks, invocations, put_units: puts, store_writes: writes,
            ..Receipt::default()
        };
        let more = Receipt { worker_mb_us: mb_us.saturating_add(1 << 40), ..receipt };
        prop_assert!(cost_of(&receipt) <= cost_of(&more));
        prop_assert_eq!(NanoUsd(u64::MAX) + cost_of(&receipt), NanoUsd(u64::MAX));
    }

    #[test]
    fn costs_of_parts_add_up_to_less_than_a_billionth_each(mb_us in prop::collection::vec(0..1_u64 << 40, 1..20)) {
        let receipt = |worker_mb_us| Receipt { worker_mb_us, ..Receipt::default() };
        let parts: NanoUsd = mb_us.iter().map(|&it| cost_of(&receipt(it))).sum();
        let whole = cost_of(&receipt(mb_us.iter().sum()));
        prop_assert!(parts <= whole && whole.0 - parts.0 <= mb_us.len() as u64);
    }
}
