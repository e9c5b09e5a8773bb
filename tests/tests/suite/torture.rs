//! Short versions of `make torture` and `make soak`.

use std::time::Duration;

use crm_tests::torture::{kill, soak};

#[test]
fn nothing_acknowledged_is_lost_when_the_server_is_killed() {
    let seed = u64::from(std::process::id());
    let outcome = kill::run(&kill::Plan { kills: 3, longest: Duration::from_millis(1500), seed });
    assert!(outcome.acknowledged > 10, "the clients were at work: {outcome:?}");
}

#[test]
fn mixed_work_on_a_fast_clock_leaves_everything_in_step() {
    let plan = soak::Plan {
        lasting: Duration::from_secs(15),
        day: Duration::from_secs(2),
        pause: Duration::from_millis(2),
        seed: u64::from(std::process::id()),
    };
    let outcome = soak::run(&plan);
    assert!(outcome.acknowledged > 100 && outcome.nights > 2, "there was work: {outcome:?}");
}
