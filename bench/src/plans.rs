//! The plans of the statements inside functions and procedures, as they ran.

use crate::Failure;
use crate::session::Session;

/// A plan worth showing.
pub struct Plan {
    pub title: String,
    pub text: String,
}

/// Lines of a plan that are shown.
const SHOWN: usize = 45;

/// Has the session report every statement, nested ones too. For superusers, before any other role is assumed.
pub fn watch(sql: &mut Session) -> Result<(), Failure> {
    sql.run(
        "LOAD 'auto_explain';
         SET auto_explain.log_min_duration = 0;
         SET auto_explain.log_analyze = on;
         SET auto_explain.log_timing = off;
         SET auto_explain.log_nested_statements = on;
         SET client_min_messages = log",
    )
}

/// Runs a statement in a watched session and returns the plans of what took at least a share of its time, longest
/// first, at most `most`.
pub fn of(
    sql: &mut Session,
    title: &str,
    statement: &str,
    share: f64,
    most: usize,
) -> Result<Vec<Plan>, Failure> {
    sql.notices();
    let total = sql.milliseconds(statement)?;
    let mut found: Vec<(f64, String)> = Vec::new();
    for notice in sql.notices() {
        let Some((duration, text)) = parse(&notice) else { continue };
        // A statement that calls a function contains the plans of the function; its own says nothing more.
        if duration < total * share || text.lines().count() < 4 {
            continue;
        }
        // A chunked job runs the same statement again and again: the longest stands for all.
        let query = query_of(&text).to_owned();
        match found.iter_mut().find(|(_, known)| query_of(known) == query) {
            Some(known) if known.0 < duration => *known = (duration, text),
            Some(_) => {}
            None => found.push((duration, text)),
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    Ok(found
        .into_iter()
        .take(most)
        .map(|(duration, text)| Plan {
            title: format!("{title} ({duration:.1} ms with the plan recorded)"),
            text: cut(&text),
        })
        .collect())
}

/// Duration in milliseconds and text of one report of auto_explain.
fn parse(notice: &str) -> Option<(f64, String)> {
    let report = notice.strip_prefix("LOG: duration: ")?;
    let (duration, plan) = report.split_once(" ms  plan:\n")?;
    Some((duration.parse().ok()?, plan.to_owned()))
}

fn query_of(text: &str) -> &str {
    text.split_once("  (cost=").map_or(text, |(query, _)| query)
}

fn cut(text: &str) -> String {
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let mut shown: Vec<String> =
        lines.iter().take(SHOWN).map(|line| line.chars().take(180).collect()).collect();
    if lines.len() > SHOWN {
        shown.push(format!("… {} lines more", lines.len() - SHOWN));
    }
    shown.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_auto_explain_is_read() {
        let notice =
            "LOG: duration: 12.345 ms  plan:\nQuery Text: SELECT 1\nResult  (cost=0.00..0.01 rows=1 width=4)";
        let (duration, text) = parse(notice).unwrap();
        assert_eq!(duration, 12.345);
        assert_eq!(query_of(&text), "Query Text: SELECT 1\nResult");
        assert!(parse("NOTICE: duration: soon").is_none());
    }

    #[test]
    fn a_long_plan_is_cut_and_says_so() {
        let text = vec!["line"; SHOWN + 3].join("\n");
        assert!(cut(&text).ends_with("… 3 lines more"));
    }
}
