//! The CRM's clock set forward and back: whatever it says, rows, labels and days are those of that moment.

use crm_tests::restaurant;
use crm_tests::{TestDatabase, oracle};

#[test]
fn nights_of_a_clock_that_jumps_are_right_for_their_moment() {
    let database = TestDatabase::new("clock_jumps");
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    restaurant::add_venue(&mut sql, "bar", "America/Sao_Paulo");
    sql.run(
        "SELECT dine('g' || i, CASE i % 2 WHEN 0 THEN 'bistro' ELSE 'bar' END, timestamp '2025-06-01 20:00' - make_interval(days => i * k), 10 + i)
           FROM generate_series(1, 70) i, generate_series(0, i % 5) k",
    );
    sql.run("SET crm.as_of = '2025-06-10 12:00+00'");
    restaurant::bind(&mut sql);
    oracle::install(&mut sql, oracle::Source::RestaurantTables);
    for (number, moment) in [
        "2025-06-20 12:00+00",
        "2031-01-01 03:30+00",
        "2025-06-12 12:00+00",
        // Before every order.
        "2019-03-31 01:30+00",
        "2025-07-01 22:30+00",
        "2025-07-01 21:30+00",
    ]
    .iter()
    .enumerate()
    {
        sql.run(&format!("SET crm.as_of = '{moment}'"));
        // Sales at the clock's time, of the past and of its future.
        for shift in ["0", "-40", "40"] {
            sql.run(&format!(
                "SELECT dine('g{number}', 'bistro', timestamp '{}' + interval '{shift} days', 33)",
                &moment[..16]
            ));
        }
        // The sweep follows time as it goes on; what a clock set back makes of labels is for the next night.
        sql.run("CALL crm.run_sweep()");
        oracle::expect_totals(&mut sql);
        sql.run("CALL crm.run_night()");
        oracle::expect_scores(&mut sql, moment);
        sql.expect_none("SELECT v.ref, d.* FROM crm.venue v, crm.verify_stats(v.ref) d");
        sql.expect_none("SELECT v.ref, d.* FROM crm.venue v, crm.verify_venue_days(v.ref) d");
        sql.run("CALL crm.run_sweep()");
        sql.expect_none("SELECT * FROM crm.verify_list()");
        sql.expect_none("SELECT * FROM crm.failed_change");
    }
}
