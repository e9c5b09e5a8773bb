//! The plans of the statements inside functions and procedures, as they ran.

use crate::Failure;
use crate::session::Session;

/// A plan worth showing.
pub struct Plan {
    pub title: String,
    pub text: String,
}

/// Lines that are shown of a statement and of its plan.
const SHOWN_QUERY: usize = 12;
const SHOWN_PLAN: usize = 40;

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

/// The start of the statement, then the start of its plan.
fn cut(text: &str) -> String {
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let query = lines.iter().position(|line| line.contains("  (cost=")).unwrap_or(lines.len());
    let (query, plan) = lines.split_at(query);
    let mut shown = Vec::new();
    for (part, most) in [(query, SHOWN_QUERY), (plan, SHOWN_PLAN)] {
        shown.extend(part.iter().take(most).map(|line| line.chars().take(180).collect::<String>()));
        if part.len() > most {
            shown.push(format!("… {} lines more", part.len() - most));
        }
    }
    shown.join(
        "
",
    )
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
    fn a_long_statement_and_a_long_plan_are_cut_and_say_so() {
        let query = vec!["line"; SHOWN_QUERY + 2].join(
            "
",
        );
        let plan = vec!["Node  (cost=0.00..0.01 rows=1 width=4)"; SHOWN_PLAN + 3].join(
            "
",
        );
        let shown = cut(&format!(
            "{query}

{plan}"
        ));
        assert!(
            shown.contains(
                "… 2 lines more
Node"
            ),
            "{shown}"
        );
        assert!(shown.ends_with("… 3 lines more"), "{shown}");
    }
}
