//! Two organisations, each with two venues and a row of everything, and who acts for them: the ground of the tests
//! that nobody reaches what is another's.

mod privacy_recipes;
mod recipes;

pub use recipes::{Kind, Recipe};

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::session::Refusal;
use crate::{Session, TestDatabase, restaurant};

/// The calls of every function that a role may call and that has to do with a tenant.
pub static RECIPES: LazyLock<Vec<Recipe>> =
    LazyLock::new(|| [recipes::RECIPES, privacy_recipes::RECIPES].concat());

/// Functions that take and give nothing of a tenant, and why.
pub static UNBOUND: LazyLock<Vec<(&str, &str)>> =
    LazyLock::new(|| [recipes::UNBOUND, privacy_recipes::UNBOUND].concat());

/// Functions by which who is limited to a venue changes rows of others, and why.
pub static OVER_VENUES: LazyLock<Vec<(&str, &str)>> =
    LazyLock::new(|| [recipes::OVER_VENUES, privacy_recipes::OVER_VENUES].concat());

/// What the placeholders of a recipe stand for, seen from one venue; `nowhere` names things that nobody has.
pub type Names = BTreeMap<&'static str, String>;

/// Role of a principal, and whether it is limited to one venue.
pub const ROLES: [&str; 4] = ["reader", "staff", "manager", "admin"];

/// The two organisations.
pub struct Tenants {
    /// Their database.
    pub database: TestDatabase,
    /// A superuser, who can also act as a principal, as the service does.
    pub sql: Session,
    principals: BTreeMap<String, String>,
    names: BTreeMap<&'static str, Names>,
}

/// Venue, organisation.
const VENUES: [(&str, &str); 4] =
    [("zqr1", "zqred"), ("zqr2", "zqred"), ("zqb1", "zqblue"), ("zqb2", "zqblue")];

impl Tenants {
    /// A database with both, furnished.
    pub fn new(purpose: &str) -> Self {
        let database = TestDatabase::new(purpose);
        let mut sql = database.session();
        restaurant::create(&mut sql);
        sql.run("SET crm.as_of = '2025-03-12 12:00+00'");
        sql.run(include_str!("../../platform/tenants.sql"));
        // Long numbers, so that none is a part of something else in an answer.
        for (table, column) in [
            ("segment", "segment_id"),
            ("note", "note_id"),
            ("customer_contact", "contact_id"),
            ("import", "import_id"),
            ("consent_entry", "entry_id"),
            ("wording", "wording_id"),
        ] {
            sql.run(&format!("ALTER TABLE crm.{table} ALTER {column} RESTART WITH 91000001"));
        }
        sql.run("CALL crm.backfill()");
        let mut tenants = Self { database, sql, principals: BTreeMap::new(), names: BTreeMap::new() };
        for (venue, org) in VENUES {
            for role in ROLES {
                for (who, venues) in [
                    (format!("{org} {role}"), "NULL".to_owned()),
                    (format!("{venue} {role}"), format!("ARRAY['{venue}']")),
                ] {
                    if !tenants.principals.contains_key(&who) {
                        let made =
                            format!("SELECT crm.create_principal('{who}', '{org}', '{role}', {venues})");
                        let principal = tenants.sql.value(&made);
                        tenants.sql.run(&format!("SELECT crm.create_api_key('{principal}')"));
                        tenants.principals.insert(who, principal);
                    }
                }
            }
        }
        for (venue, org) in VENUES {
            tenants.furnish(venue, org);
        }
        // A month later some guests have become others: changes of labels, and of segments.
        tenants.sql.run("SET crm.as_of = '2025-05-20 12:00+00'");
        tenants.sql.run("CALL crm.run_imports()");
        tenants.sql.run("CALL crm.run_night(preferences => true)");
        tenants.sql.run("CALL crm.run_sweep()");
        for (venue, org) in VENUES {
            let names = tenants.names_at(venue, org);
            tenants.names.insert(venue, names);
        }
        tenants.names.insert("nowhere", nowhere());
        tenants
    }

    /// A row of everything, written by the venue's own admin through the functions that everybody uses.
    fn furnish(&mut self, venue: &str, org: &str) {
        let number = &venue[3..];
        let guest = format!("{org}-{number}1");
        let (double, merged) = (format!("{org}-{number}2"), format!("{org}-{number}3"));
        let everyone = r#"{"v":1,"where":{"all":[]}}"#;
        let recent = format!(
            r#"{{"v":1,"where":{{"any":[{{"field":"last_order_at","op":"within_last","value":"30d"}},{{"field":"tags","op":"has","value":"{org} tag"}}]}}}}"#
        );
        let of_organisation = r#"{"v":1,"scope":"org","where":{"all":[]}}"#;
        for statement in [
            format!("SELECT crm.merge_customers('{double}', '{merged}', '{org} one person')"),
            format!("SELECT crm.keep_apart('{guest}', '{double}')"),
            format!("SELECT crm.update_customer('{guest}', jsonb_build_object('language', 'fr', 'document', '{org} passport'))"),
            format!("SELECT crm.block_customer('{guest}', '{org} owes')"),
            format!("SELECT crm.add_contact('{guest}', 'address', '{org} street 1')"),
            format!("SELECT crm.tag_customers(ARRAY['{guest}'], ARRAY['{org} tag'])"),
            format!("SELECT crm.add_note('{guest}', '{venue}', '{venue} note')"),
            format!("SELECT crm.set_health_needs('{guest}', ARRAY['gluten'], ARRAY['vegan'], '{venue}')"),
            format!("SELECT crm.state_preference('{guest}', 'seating', '{venue} window', '{venue}')"),
            format!("SELECT crm.state_preference('{guest}', 'favourite_category', '{venue} kitchen', '{venue}')"),
            format!("SELECT crm.save_wording('{org}_{number}', 'en', '{org} words')"),
            format!(
                "SELECT crm.record_consent('{guest}', 'EMAIL_MARKETING', 'GRANTED', 'checkout', '{venue}', detail => '{venue} till',
                   wording => (SELECT wording_id FROM crm.wording WHERE key = '{org}_{number}'))"
            ),
            format!("SELECT crm.record_consent('{guest}', 'SMS_MARKETING', 'REVOKED', 'checkout')"),
            format!("SELECT crm.record_consent('{double}', 'EMAIL_MARKETING', 'GRANTED', 'checkout', '{venue}')"),
            format!("SELECT crm.record_consent('{double}', 'REVIEW_REQUEST', 'GRANTED', 'checkout')"),
            format!("SELECT crm.request_opt_in('{double}')"),
            format!("SELECT crm.set_do_not_contact('{guest}', true, '{org} asked')"),
            format!("SELECT crm.set_profiling('{double}', false, '{org} objects'), crm.set_profiling('{double}', true, '{org} agrees')"),
            format!("SELECT crm.request_erasure('{guest}', '{org} wishes')"),
            format!("SELECT crm.create_segment('{venue}', '{venue}_all', '{venue} all', '{everyone}')"),
            format!("SELECT crm.create_segment('{venue}', '{venue}_recent', '{venue} recent', '{recent}')"),
            format!("SELECT crm.create_segment(NULL, '{org}_{number}', '{org} everyone', '{of_organisation}')"),
            format!("SELECT crm.include_in_segment((SELECT segment_id FROM crm.segment WHERE key = '{venue}_recent'), '{guest}', '{venue} reason')"),
            format!("SELECT crm.save_tag('{org} rule {number}', segment => (SELECT segment_id FROM crm.segment WHERE key = '{org}_{number}'))"),
            format!("SELECT crm.create_import('{venue}-new.csv', 'name,note\n{org} new,{venue} remark'::bytea, '{venue}')"),
            format!("SELECT crm.check_import(crm.create_import('{venue}-checked.csv', 'name,note\n{org} checked,{venue} remark'::bytea, '{venue}'))"),
            format!(
                "DO $$ DECLARE made int := crm.create_import('{venue}-done.csv', E'name,note,phone\n{org} done,{venue} remark,\n,{venue} nameless,x'::bytea, '{venue}');
                 BEGIN PERFORM crm.check_import(made), crm.start_import(made); END $$"
            ),
            format!("SELECT count(*) FROM crm.export_customers(filter => jsonb_build_object('venue', '{venue}'))"),
        ] {
            self.act(&format!("{org} admin"));
            self.sql.run(&statement);
            self.sql.run("COMMIT");
        }
        self.sql.run(&format!(
            "INSERT INTO crm.venue_closure SELECT org_id, venue_id, '2025-04-01', '2025-04-02' FROM crm.venue WHERE ref = '{venue}'"
        ));
    }

    fn names_at(&mut self, venue: &str, org: &str) -> Names {
        let number = &venue[3..];
        let guest = format!("{org}-{number}1");
        let double = format!("{org}-{number}2");
        let import =
            |state: &str| format!("SELECT import_id FROM crm.import WHERE file_name = '{venue}-{state}.csv'");
        self.act(&format!("{org} staff"));
        let cursor = self.sql.value("SELECT (l).cursor FROM crm.customer_list(page_size => 1) AS l");
        self.sql.run("ROLLBACK");
        let mut one = |query: &str| self.sql.value(query);
        Names::from([
            ("venue_id", one(&format!("SELECT venue_id FROM crm.venue WHERE ref = '{venue}'"))),
            ("guest_id", one(&format!("SELECT customer_id FROM crm.customer WHERE ref = '{guest}'"))),
            ("phone", one(&format!("SELECT phone FROM crm.customer WHERE ref = '{guest}'"))),
            ("segment", one(&format!("SELECT segment_id FROM crm.segment WHERE key = '{venue}_recent'"))),
            ("org_segment", one(&format!("SELECT segment_id FROM crm.segment WHERE key = '{org}_{number}'"))),
            ("note", one(&format!("SELECT note_id FROM crm.note WHERE body = '{venue} note'"))),
            (
                "contact",
                one(&format!(
                    "SELECT contact_id FROM crm.customer_contact JOIN crm.customer c USING (org_id, customer_id) WHERE c.ref = '{guest}'"
                )),
            ),
            (
                "entry",
                one(&format!(
                    "SELECT min(e.entry_id) FROM crm.consent_entry e JOIN crm.customer c USING (org_id, customer_id) WHERE c.ref = '{guest}'"
                )),
            ),
            ("wording", one(&format!("SELECT wording_id FROM crm.wording WHERE key = '{org}_{number}'"))),
            (
                "principal",
                one(&format!("SELECT principal_id FROM crm.principal WHERE name = '{org} reader'")),
            ),
            (
                "key",
                one(&format!(
                    "SELECT k.key_id FROM crm.api_key k JOIN crm.principal p USING (org_id, principal_id) WHERE p.name = '{org} reader'"
                )),
            ),
            ("wording_key", format!("{org}_{number}")),
            ("category", format!("{venue} kitchen")),
            ("new_import", one(&import("new"))),
            ("checked_import", one(&import("checked"))),
            ("import", one(&import("done"))),
            ("merged", format!("{org}-{number}3")),
            ("name", format!("{org} ana")),
            ("email", format!("{guest}@example.org")),
            ("segment_key", format!("{venue}_recent")),
            ("org_segment_key", format!("{org}_{number}")),
            ("tag", format!("{org} tag")),
            ("order", format!("{venue}-{guest}-1")),
            ("free_order", format!("{venue}-nobody")),
            ("venue", venue.to_owned()),
            ("guest", guest),
            ("double", double),
            ("cursor", cursor),
        ])
    }

    /// The names of a venue's things.
    pub fn names(&self, venue: &str) -> Names {
        self.names[venue].clone()
    }

    /// Begins a transaction as a principal ("zqred staff", "zqr1 manager"), the way the service does.
    pub fn act(&mut self, who: &str) {
        let principal = &self.principals[who];
        let role = who.split(' ').nth(1).expect("a role");
        self.sql.run(&format!("BEGIN; SELECT crm.set_caller('{principal}'); SET LOCAL ROLE crm_{role}"));
    }

    /// What a principal is answered; nothing of it stays.
    pub fn answer(&mut self, who: &str, statement: &str) -> Result<Vec<String>, Refusal> {
        self.act(who);
        let answer = self.sql.try_rows(statement);
        self.sql.run("ROLLBACK");
        answer
    }

    /// As `answer`, with the fingerprint of some rows before it is undone.
    pub fn answer_and_print(
        &mut self,
        who: &str,
        statement: &str,
        of: &str,
    ) -> (Result<Vec<String>, Refusal>, Option<String>) {
        self.act(who);
        let answer = self.sql.try_rows(statement);
        let print = answer.is_ok().then(|| {
            self.sql.run("RESET ROLE");
            self.fingerprint(of)
        });
        self.sql.run("ROLLBACK");
        (answer, print)
    }

    /// A digest of all rows of an organisation ("zqblue") or those that belong to a venue ("zqr2"), the platform's included.
    pub fn fingerprint(&mut self, of: &str) -> String {
        let tables = self.sql.rows(
            "SELECT c.oid::regclass, string_agg(a.attname, ',' ORDER BY a.attname)
               FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname IN ('org_id', 'venue_id', 'scope_id')
              WHERE c.relnamespace = 'crm'::regnamespace AND c.relkind IN ('r', 'p') GROUP BY c.oid ORDER BY 1",
        );
        let mut parts = vec![];
        for table in tables {
            let (table, columns) = table.split_once('|').expect("two columns");
            if !columns.contains("org_id") {
                continue;
            }
            let condition = if of == "zqblue" || of == "zqred" {
                format!("org_id = (SELECT org_id FROM crm.organisation WHERE ref = '{of}')")
            } else {
                // Membership follows what is known of a guest, who is the organisation's.
                if ["crm.guest_segments", "crm.segment_change", "crm.segment_tally", "crm.outbox"]
                    .contains(&table)
                {
                    continue;
                }
                let Some(column) = ["venue_id", "scope_id"].into_iter().find(|c| columns.contains(c)) else {
                    continue;
                };
                format!("{column} = (SELECT venue_id FROM crm.venue WHERE ref = '{of}')")
            };
            parts.push(format!(
                "SELECT '{table}' AS place, to_jsonb(t)::text AS content FROM {table} AS t WHERE {condition}"
            ));
        }
        let host = if of.starts_with("zqb") { "zqb" } else { of };
        for table in ["Venue", "Customer", "Order"] {
            parts.push(format!(
                r#"SELECT '{table}', to_jsonb(t)::text FROM public."{table}" AS t WHERE id LIKE '{host}%'"#
            ));
        }
        self.sql.value(&format!(
            "SELECT count(*) || ' ' || md5(string_agg(place || content, E'\\n' ORDER BY place, content)) FROM ({}) AS rows",
            parts.join(" UNION ALL ")
        ))
    }

    /// A login that is a principal itself.
    pub fn login(&mut self, org: &str, role: &str, venues: &str) -> Session {
        let login = format!("{}_{org}_{role}_{}", self.database.name(), venues.len());
        self.sql.run(&format!(
            "DROP ROLE IF EXISTS {login}; CREATE ROLE {login} LOGIN; SELECT crm.create_principal('{login}', '{org}', '{role}', {venues}, '{login}')"
        ));
        self.database.session_as(&login)
    }
}

impl Drop for Tenants {
    fn drop(&mut self) {
        let name = self.database.name().to_owned();
        for login in self.sql.rows(&format!("SELECT rolname FROM pg_roles WHERE rolname LIKE '{name}\\_%'")) {
            // A login that still has a connection stays; the cluster is thrown away.
            let _ = self.sql.attempt(&format!("DROP OWNED BY {login}; DROP ROLE {login}"));
        }
    }
}

fn nowhere() -> Names {
    [
        ("venue_id", "11111111-1111-4111-8111-111111111111"),
        ("guest_id", "22222222-2222-4222-8222-222222222222"),
        ("phone", "+33612345678"),
        ("segment", "2000000001"),
        ("org_segment", "2000000002"),
        ("note", "2000000003"),
        ("contact", "2000000004"),
        ("entry", "2000000008"),
        ("wording", "2000000009"),
        ("principal", "33333333-3333-4333-8333-333333333333"),
        ("key", "44444444-4444-4444-8444-444444444444"),
        ("wording_key", "zqnow_1"),
        ("category", "zqn1 kitchen"),
        ("new_import", "2000000005"),
        ("checked_import", "2000000006"),
        ("import", "2000000007"),
        ("merged", "zqnow-13"),
        ("name", "zqnow ana"),
        ("email", "zqnow-11@example.org"),
        ("segment_key", "zqn1_recent"),
        ("org_segment_key", "zqnow_zqn1"),
        ("tag", "zqnow tag"),
        ("order", "zqn1-zqnow-11-1"),
        ("free_order", "zqn1-nobody"),
        ("venue", "zqn1"),
        ("guest", "zqnow-11"),
        ("double", "zqnow-12"),
        ("cursor", "{}"),
    ]
    .into_iter()
    .map(|(name, value)| (name, value.to_owned()))
    .collect()
}

/// A call with its placeholders filled: `{x}` by the target's name, `{own_x}` by the caller's.
pub fn fill(template: &str, target: &Names, own: &Names) -> String {
    let filled = own
        .iter()
        .fold(template.to_owned(), |text, (name, value)| text.replace(&format!("{{own_{name}}}"), value));
    target.iter().fold(filled, |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// An answer or refusal as text, with the target's names that the caller gave taken out: what remains is what he learns.
pub fn learned(answer: &Result<Vec<String>, Refusal>, template: &str, target: &Names) -> String {
    let mut names: Vec<_> = target
        .iter()
        .filter(|(name, _)| template.contains(&format!("{{{name}}}")))
        .map(|(_, value)| value)
        .collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    let text = match answer {
        Ok(rows) => rows.join("\n"),
        // The stack is the server's own text and tells nothing of rows.
        Err(r) => format!("{} {} {:?} {:?} {:?}", r.code, r.message, r.detail, r.hint, r.column),
    };
    names.into_iter().fold(text, |text, name| text.replace(name.as_str(), "·"))
}

/// Marks in a text that only blue's rows have (`zqb…`, bills of millions), or only the venue r2's (`zqr2…`).
pub fn marks(text: &str, of: &str, target: &Names) -> Option<String> {
    if of == "zqblue" {
        if let Some(at) = text.to_lowercase().find("zqb") {
            return Some(around(text, at));
        }
        // Seven digits or more before two decimals.
        let digits = text.as_bytes();
        for (at, _) in text.match_indices('.') {
            let whole = digits[..at].iter().rev().take_while(|d| d.is_ascii_digit()).count();
            let cents = digits[at + 1..].iter().take_while(|d| d.is_ascii_digit()).count();
            // A limit in a function's text is nobody's bill.
            if whole >= 7 && cents == 2 && !text[..at].ends_with("9999999999") {
                return Some(around(text, at));
            }
        }
        if let Some(at) = text.find(&target["guest_id"]) {
            return Some(around(text, at));
        }
    } else if let Some(at) = text.to_lowercase().find("zqr2") {
        return Some(around(text, at));
    }
    text.find(&target["venue_id"]).map(|at| around(text, at))
}

fn around(text: &str, at: usize) -> String {
    let (from, to) = (at.saturating_sub(60), (at + 60).min(text.len()));
    String::from_utf8_lossy(&text.as_bytes()[from..to]).into_owned()
}
