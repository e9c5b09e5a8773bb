//! A typical day at the large venue: five percent of the guests order, then comes the night.

use crate::Failure;
use crate::session::Session;

/// The night as far as others have one: repairs, scores, labels, days and segments.
pub const NIGHT: &str = "CALL crm.run_night(preferences => false)";
/// What comes after it: the preferences of whoever ordered, derived anew from his orders.
pub const PREFERENCES: &str = "CALL crm.run_night()";

/// Completes the day's orders through the triggers and moves the session's clock to half past three of the next
/// night. Days count from 1, the first after the generated history; returns how many guests ordered.
pub fn pass(sql: &mut Session, day: usize) -> Result<u64, Failure> {
    let date = format!("(date '2026-06-30' + {day})");
    sql.run(&format!("SELECT set_config('crm.as_of', {date} || ' 20:30+00', false)"))?;
    // The active third of the guests come weekly: a seventh of them each day.
    sql.run(&format!(
        r#"INSERT INTO public."Order" (id, "venueId", "customerId", total, channel, "placedAt")
           SELECT 'day-{day}-' || n, venue, id, round((6 + 50 * bench.chance('bill {day}', n) ^ 2)::numeric, 2), 'DINE_IN',
                  {date} + time '08:00' + make_interval(secs => floor(40000 * bench.chance('hour {day}', n)))
           FROM bench.guest WHERE venue = 'venue-1' AND active AND floor(7 * bench.chance('weekday', n)) = {day} % 7
           ORDER BY bench.chance('hour {day}', n)"#
    ))?;
    sql.run(&format!(
        r#"UPDATE public."Order" SET status = 'COMPLETED', "completedAt" = "placedAt" + interval '40 minutes'
           WHERE id >= 'day-{day}-' AND id < 'day-{day}.'"#
    ))?;
    sql.expect_no_warning()?;
    let came = sql.value(&format!(
        r#"SELECT count(*) FROM public."Order" WHERE id >= 'day-{day}-' AND id < 'day-{day}.'"#
    ))?;
    sql.run(&format!("SELECT set_config('crm.as_of', ({date} + 1) || ' 00:30+00', false)"))?;
    sql.settle(r#"public."Order", crm.customer_venue_stats, crm.label_change"#)?;
    Ok(came)
}
