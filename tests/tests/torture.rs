//! A short version of `make torture`.

use std::time::Duration;

use crm_tests::torture::kill;

#[test]
fn nothing_acknowledged_is_lost_when_the_server_is_killed() {
    let seed = u64::from(std::process::id());
    let outcome = kill::run(&kill::Plan { kills: 3, longest: Duration::from_millis(1500), seed });
    assert!(outcome.acknowledged > 100, "the clients were at work: {outcome:?}");
}
