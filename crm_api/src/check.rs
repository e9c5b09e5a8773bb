//! `crm_api check`: can this build serve from that database?

use crate::{
    config::Config,
    database::{Database, SCHEMA_VERSION},
    problem::Problem,
};

/// Connects, compares the schema version and prints the rows of `crm.health()`, tab-separated: severity,
/// subject, problem, remedy. Errors when the database cannot be asked or has another schema version; findings
/// of `crm.health()` are no error.
pub async fn check(config: Config) -> Result<(), String> {
    let database = Database::new(&config)?;
    database.check_schema_version().await.map_err(describe)?;
    println!("schema version {SCHEMA_VERSION}: known");

    let findings = database.health().await.map_err(describe)?;
    for finding in &findings {
        let remedy = finding.remedy.as_deref().unwrap_or_default();
        println!("{}\t{}\t{}\t{remedy}", finding.severity, finding.subject, finding.problem);
    }
    println!(
        "health: {}",
        match findings.len() {
            0 => "nothing to report".to_owned(),
            1 => "1 finding".to_owned(),
            count => format!("{count} findings"),
        }
    );
    Ok(())
}

/// The cause, which an HTTP caller would not be told: here it goes to the operator.
fn describe(problem: Problem) -> String {
    match problem.sqlstate() {
        Some(sqlstate) => format!("{problem} ({sqlstate})"),
        None => problem.to_string(),
    }
}
