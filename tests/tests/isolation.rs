//! Nobody reaches what is another organisation's, or another venue's: every table, view and function that a role may
//! use, found in the catalogue. Each attempt first succeeds for who may, so that a refusal means something.

use std::collections::BTreeMap;

use crm_tests::isolation::{
    Kind, Names, OVER_VENUES, RECIPES, ROLES, Tenants, UNBOUND, fill, learned, marks,
};

/// Functions of the CRM that some role may call, each with the roles.
fn callable(tenants: &mut Tenants) -> BTreeMap<String, Vec<String>> {
    let rows = tenants.sql.rows(
        "SELECT n.nspname || '.' || p.proname || '(' || replace(pg_get_function_identity_arguments(p.oid), ', ', ',') || ')', p.oid::regprocedure, string_agg(substr(r.rolname, 5), ' ')
           FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
           JOIN pg_roles r ON r.rolname IN ('crm_reader', 'crm_staff', 'crm_manager', 'crm_admin', 'crm_service') AND has_function_privilege(r.oid, p.oid, 'EXECUTE')
          WHERE n.nspname IN ('crm', 'crm_bi') GROUP BY 1, 2",
    );
    rows.iter()
        .map(|row| {
            let cells: Vec<_> = row.split('|').collect();
            (cells[1].to_owned(), cells[2].split(' ').map(str::to_owned).collect())
        })
        .collect()
}

#[test]
fn every_function_that_a_role_may_call_is_tried_here() {
    let mut tenants = Tenants::new("isolation_known");
    let callable = callable(&mut tenants);
    let known: Vec<&str> = RECIPES.iter().map(|r| r.0).chain(UNBOUND.iter().map(|u| u.0)).collect();
    let forgotten: Vec<_> = callable.keys().filter(|f| !known.contains(&f.as_str())).collect();
    assert!(
        forgotten.is_empty(),
        "give each a recipe, or a reason why it takes nothing of a tenant, in tests/src/isolation/recipes.rs: {forgotten:#?}"
    );
    let gone: Vec<_> = known.iter().filter(|f| !callable.contains_key(**f)).collect();
    assert!(gone.is_empty(), "no role may call these: {gone:#?}");
}

/// Where an attempt comes from and what it is after.
struct Trial<'a> {
    /// Who may, by role: `zqblue` or `zqr2`.
    owner: &'a str,
    /// Who may not.
    stranger: &'a str,
    /// What is looked for in the answer, and may not change.
    of: &'a str,
    target: Names,
    owners_other: Names,
    strangers_own: Names,
    nowhere: Names,
}

/// What belongs to a venue, not to the organisation.
const OF_A_VENUE: [&str; 8] =
    ["venue", "venue_id", "segment", "note", "import", "new_import", "checked_import", "free_order"];

fn names_a_venue(template: &str) -> bool {
    OF_A_VENUE.iter().any(|name| template.contains(&format!("{{{name}}}")))
}

fn try_every_call(tenants: &mut Tenants, trial: &Trial) {
    let callable = callable(tenants);
    let print = tenants.fingerprint(trial.of);
    let mut wrong = vec![];
    for (function, calls) in RECIPES {
        for role in ROLES {
            let (owner, stranger) = (format!("{} {role}", trial.owner), format!("{} {role}", trial.stranger));
            for (kind, template) in *calls {
                let statement = |target, own| {
                    format!("SELECT * FROM {}", fill(template, target, own))
                        .replace("FROM (SELECT", "FROM (SELECT")
                };
                let statement = |target, own| {
                    let call = statement(target, own);
                    if template.contains(" > 0")
                        || template.contains(" IS NOT NULL")
                        || template.starts_with('(')
                    {
                        call.replacen("SELECT * FROM", "SELECT", 1)
                    } else {
                        call
                    }
                };
                let attempt = statement(&trial.target, &trial.strangers_own);
                let (answer, after) = tenants.answer_and_print(&stranger, &attempt, trial.of);
                let mut complain = |what: String| wrong.push(format!("{stranger}: {attempt}\n    {what}"));
                if after.is_some_and(|after| after != print)
                    && !(trial.of == "zqr2" && OVER_VENUES.iter().any(|o| o.0 == *function))
                {
                    complain(format!("changed what is {}'s", trial.of));
                }
                if !callable[*function].iter().any(|r| r == role) {
                    match &answer {
                        Err(r) if r.code == "42501" => {}
                        other => complain(format!("no right to call it, but {other:?}")),
                    }
                    continue;
                }
                let at_stake = trial.of != "zqr2" || names_a_venue(template);
                // The control: who may is not refused, given what is his at the same venue or the other one.
                let mut owned = Err(None);
                for own in [&trial.owners_other, &trial.target] {
                    if owned.is_err() {
                        owned = tenants.answer(&owner, &statement(&trial.target, own)).map_err(Some);
                    }
                }
                if let Err(refusal) = &owned
                    && *kind == Kind::Refused
                    && at_stake
                {
                    complain(format!("the control, {owner}, fails: {refusal:?}"));
                }
                let text = learned(&answer, template, &trial.target);
                if let Some(mark) = marks(&text, trial.of, &trial.target) {
                    complain(format!("tells …{mark}…"));
                }
                if !at_stake {
                    continue;
                }
                let refused = matches!(&answer, Err(r) if r.code == "CR404" || r.code == "42501");
                if *kind == Kind::Refused && !refused {
                    complain(format!("is not refused: {answer:?}"));
                }
                if *kind == Kind::Blind && answer.is_err() {
                    complain(format!("fails: {answer:?}"));
                }
                if *kind != Kind::Blind {
                    let unknown = tenants.answer(&stranger, &statement(&trial.nowhere, &trial.strangers_own));
                    let of_nothing = learned(&unknown, template, &trial.nowhere);
                    if text != of_nothing {
                        complain(format!(
                            "a thing there is looks unlike one that is not:\n      {text}\n      {of_nothing}"
                        ));
                    }
                }
            }
        }
    }
    assert_eq!(tenants.fingerprint(trial.of), print);
    assert!(wrong.is_empty(), "{} findings:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn no_function_reaches_another_organisation() {
    let mut tenants = Tenants::new("isolation_organisation");
    let trial = Trial {
        owner: "zqblue",
        stranger: "zqred",
        of: "zqblue",
        target: tenants.names("zqb1"),
        owners_other: tenants.names("zqb2"),
        strangers_own: tenants.names("zqr1"),
        nowhere: tenants.names("nowhere"),
    };
    try_every_call(&mut tenants, &trial);
}

#[test]
fn no_function_reaches_another_venue() {
    let mut tenants = Tenants::new("isolation_venue");
    let trial = Trial {
        owner: "zqr2",
        stranger: "zqr1",
        of: "zqr2",
        target: tenants.names("zqr2"),
        owners_other: tenants.names("zqr1"),
        strangers_own: tenants.names("zqr1"),
        // Guests are the organisation's: they are there for everybody.
        nowhere: tenants
            .names("zqr2")
            .into_iter()
            .chain(tenants.names("nowhere").into_iter().filter(|(name, _)| OF_A_VENUE.contains(name)))
            .collect(),
    };
    try_every_call(&mut tenants, &trial);
}
