//! Which triggers of the orders table fire: all sides of a measurement use the same table, so the same pages.

use crate::Failure;
use crate::session::Session;

/// Who follows the orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follower {
    Nobody,
    Crm,
    /// The usual trigger: one aggregate, one upsert.
    Aggregate,
    /// A trigger that upserts the difference.
    Delta,
}

/// Lets one follower's triggers fire and no other's. Foreign keys stay.
pub fn follow(sql: &mut Session, follower: Follower) -> Result<(), Failure> {
    let enabled = match follower {
        Follower::Nobody => Vec::new(),
        Follower::Aggregate => vec!["rival_aggregate".to_owned()],
        Follower::Delta => vec!["rival_delta".to_owned()],
        Follower::Crm => sql.column(
            r#"SELECT tgname FROM pg_trigger WHERE tgrelid = 'public."Order"'::regclass AND tgname LIKE 'crm\_%'"#,
        )?,
    };
    if enabled.is_empty() && follower != Follower::Nobody {
        return Err("the orders are not bound".into());
    }
    // The CRM fires ALWAYS, as bound; event triggers that watch the table need not look at each switch.
    let actions: Vec<_> = enabled.iter().map(|name| format!(", ENABLE ALWAYS TRIGGER {name}")).collect();
    sql.run(&format!(
        r#"SET session_replication_role = replica;
           ALTER TABLE public."Order" DISABLE TRIGGER USER{};
           RESET session_replication_role"#,
        actions.concat()
    ))
}
