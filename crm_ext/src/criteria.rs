//! Criteria: SQL signatures over `crm_core::criteria`.

use crm_core::criteria::templates::{OFFERED, SYSTEM};
use crm_core::criteria::tree::Scope;
use crm_core::criteria::{Criteria, Problem, json_schema};
use pgrx::JsonB;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

type Finding =
    (&'static str, String, &'static str, String, Option<String>, Option<Vec<String>>, Option<String>);

fn finding(problem: Problem) -> Finding {
    let allowed = (!problem.allowed.is_empty()).then_some(problem.allowed);
    let name = problem.code.name();
    ("error", problem.pointer, name, problem.message, problem.got, allowed, problem.suggestion)
}

#[allow(clippy::type_complexity, reason = "pgrx reads the columns off the signature")]
#[pg_extern(schema = "crm", immutable, parallel_safe)]
fn validate_criteria(
    criteria: &str,
) -> TableIterator<
    'static,
    (
        name!(severity, &'static str),
        name!(pointer, String),
        name!(code, &'static str),
        name!(message, String),
        name!(got, Option<String>),
        name!(allowed, Option<Vec<String>>),
        name!(suggestion, Option<String>),
    ),
> {
    let findings: Vec<Finding> = match Criteria::parse(criteria) {
        Err(problems) => problems.into_iter().map(finding).collect(),
        Ok(criteria) => criteria
            .warnings()
            .into_iter()
            .map(|warning| {
                ("warning", warning.pointer, warning.code.name(), warning.message, None, None, None)
            })
            .collect(),
    };
    TableIterator::new(findings)
}

/// The document, or an error that lists its problems.
fn read(criteria: Result<Criteria, Vec<Problem>>, function: &'static str) -> Result<Criteria, ErrorReport> {
    criteria.map_err(|problems| {
        let count = problems.len();
        let list: Vec<String> = problems.iter().map(Problem::to_string).collect();
        let message = format!("criteria with {count} problem{}", if count == 1 { "" } else { "s" });
        ErrorReport::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, message, function)
            .set_detail(list.join("\n"))
            .set_hint("crm.validate_criteria lists the problems as rows.")
    })
}

#[pg_extern(schema = "crm", immutable, parallel_safe)]
fn canonical_criteria(criteria: &str) -> Result<String, ErrorReport> {
    Ok(read(Criteria::parse(criteria), "canonical_criteria")?.canonical())
}

#[pg_extern(schema = "crm", immutable, parallel_safe)]
fn describe_criteria(criteria: &str) -> Result<String, ErrorReport> {
    Ok(read(Criteria::parse(criteria), "describe_criteria")?.sentence())
}

#[pg_extern(schema = "crm", immutable, parallel_safe)]
fn criteria_schema() -> JsonB {
    JsonB(json_schema())
}

#[pg_extern(schema = "crm", immutable, parallel_safe)]
fn criteria_to_query_builder(criteria: &str) -> Result<String, ErrorReport> {
    let function = "criteria_to_query_builder";
    let criteria = read(Criteria::parse(criteria), function)?;
    criteria.to_query_builder().or_else(|problems| read(Err(problems), function).map(|_| String::new()))
}

#[pg_extern(schema = "crm", immutable, parallel_safe)]
fn criteria_from_query_builder(
    rules: &str,
    of_organisation: default!(bool, "false"),
) -> Result<String, ErrorReport> {
    let scope = if of_organisation { Scope::Org } else { Scope::Venue };
    Ok(read(Criteria::from_query_builder(rules, scope), "criteria_from_query_builder")?.canonical())
}

#[pg_extern(schema = "crm", immutable, parallel_safe)]
fn segment_templates() -> TableIterator<
    'static,
    (name!(key, &'static str), name!(name, &'static str), name!(system, bool), name!(criteria, &'static str)),
> {
    let system = SYSTEM.iter().map(|template| (template, true));
    let all = system.chain(OFFERED.iter().map(|template| (template, false)));
    TableIterator::new(all.map(|(template, system)| (template.key, template.name, system, template.document)))
}
