//! Hostile texts and documents through every parameter of every function that a role may call: an answer or a clear
//! refusal, never an internal error, and nothing changed anywhere else. NAUGHTY=all tries everything everywhere.

use crm_tests::isolation::{Names, RECIPES, Tenants, UNBOUND, fill};
use crm_tests::naughty;
use crm_tests::session::Refusal;

/// A call in pieces: what stands around its text literals, and those.
fn literals(call: &str) -> (Vec<&str>, Vec<&str>) {
    let parts: Vec<&str> = call.split('\'').collect();
    let (around, inside) = (parts.iter().step_by(2), parts.iter().skip(1).step_by(2));
    (around.copied().collect(), inside.copied().collect())
}

/// The call with one of its literals replaced.
fn with(call: &str, at: usize, text: &str) -> String {
    let (around, inside) = literals(call);
    let mut changed = around[0].to_owned();
    for (n, literal) in inside.iter().enumerate() {
        let text = if n == at { text.replace('\'', "''") } else { (*literal).to_owned() };
        changed.push_str(&format!("'{text}'{}", around[n + 1]));
    }
    changed
}

/// Refusals of data and of callers; not 42601 or 42P01 and the like, which would mean that a text became SQL.
fn is_clear(refusal: &Refusal) -> bool {
    let code = refusal.code.as_str();
    ["22", "23", "CR"].iter().any(|class| code.starts_with(class))
        // No right, not ready, an array or document too large or too deep, two of one thing.
        || ["42501", "55000", "54000", "54001", "0A000", "40001"].contains(&code)
}

fn statement(call: &str) -> String {
    // As tests/tests/isolation.rs reads its recipes.
    match call.contains(" > 0") || call.contains(" IS NOT NULL") || call.starts_with('(') {
        true => format!("SELECT {call}"),
        false => format!("SELECT * FROM {call}"),
    }
}

fn calls(names: &Names) -> Vec<String> {
    let mut calls: Vec<String> = RECIPES
        .iter()
        .flat_map(|recipe| recipe.1)
        .map(|(_, template)| fill(template, names, names))
        .collect();
    // Those that take nothing of a tenant take any text.
    for (function, _) in UNBOUND.iter().filter(|(function, _)| function.contains("(text")) {
        let name = function.split('(').next().expect("a name");
        calls.push(match *function {
            "crm.criteria_from_query_builder(text,boolean)" => format!("{name}('{{}}', true)"),
            _ if function.ends_with("(text)") => format!("{name}('x')"),
            _ => continue,
        });
    }
    calls.sort();
    calls.dedup();
    calls
}

fn attack(purpose: &str, texts: &[String], only: impl Fn(&str) -> bool) {
    let mut tenants = Tenants::new(purpose);
    tenants.sql.run("CREATE TABLE public.canary AS SELECT 1 AS alive; GRANT ALL ON public.canary TO PUBLIC; SET statement_timeout = '20s'");
    let print = tenants.fingerprint("zqblue");
    let names = tenants.names("zqr1");
    // All of them everywhere take minutes; else each place gets the next dozen.
    let all = std::env::var("NAUGHTY").is_ok_and(|which| which == "all");
    let mut next = texts.iter().cycle();
    let (mut tried, mut wrong) = (0, Vec::new());
    for call in calls(&names).iter().filter(|call| only(call)) {
        tenants.act("zqred admin");
        tenants.sql.run("SAVEPOINT here");
        for at in 0..literals(call).1.len() {
            for text in next.by_ref().take(if all { texts.len() } else { 12 }) {
                let attempt = statement(&with(call, at, text));
                tried += 1;
                if let Err(refusal) = tenants.sql.try_rows(&attempt)
                    && !is_clear(&refusal)
                {
                    let shown: String = attempt.chars().take(300).collect();
                    wrong.push(format!(
                        "{shown}\n    {} {}",
                        refusal.code,
                        refusal.message.chars().take(300).collect::<String>()
                    ));
                }
                tenants.sql.run("ROLLBACK TO here");
            }
        }
        tenants.sql.run("RESET ROLE; SELECT 1 / count(*) FROM public.canary; ROLLBACK");
    }
    assert_eq!(tenants.fingerprint("zqblue"), print, "another tenant's rows");
    tenants.sql.expect_rows("SELECT alive FROM public.canary", &["1"]);
    println!("{tried} attempts");
    assert!(tried > texts.len() * 10, "{tried} attempts");
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong[..wrong.len().min(40)].join("\n"));
}

#[test]
fn hostile_texts_are_answered_or_refused_clearly() {
    attack("naughty_texts", &naughty::texts(), |_| true);
}

#[test]
fn hostile_documents_are_answered_or_refused_clearly() {
    // Functions that take a document, as JSON or as its text.
    let takes = ["criteria", "jsonb", "profile", "segment", "import", "settings", "filter", "preview"];
    attack("naughty_json", &naughty::documents(), |call| takes.iter().any(|word| call.contains(word)));
}
