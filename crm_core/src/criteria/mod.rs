//! Criteria: which guests are meant, as a JSON document that becomes a SQL predicate.
//!
//! ```text
//! doc  := {"v":1, "scope"?:"venue"|"org", "where":node}
//! node := {"all":[node+]} | {"any":[node+]} | {"not":node} | leaf
//! leaf := {"field":F, "op":O, "value"?:V, "within"?:W, "where"?:node}
//! W    := {"last":DUR} | {"next":DUR} | {"from":DATE,"to":DATE}
//! DATE := "YYYY-MM-DD" | "today" | {"ago":DUR} | {"ahead":DUR}
//! DUR  := integer + d|w|mo|y, or ISO 8601 "P30D"
//! ```
//!
//! [`Criteria::parse`] reads and checks; a document it accepts cannot fail later. The fields are those of
//! [`catalogue`]; what the SQL needs of the database is in [`facts`].
//!
//! - `{"all":[]}` as the whole of `where` means everyone.
//! - Positive operators are false where the field is unknown, negative ones their exact complements.
//! - Dates are whole local days: `within_last D` is local day > today − D, a birthday `within_next D` is one from
//!   today on and before today + D, so that one day is today. A range includes both ends.
//! - Texts compare without regard to case; values of enums and members of sets exactly.
//! - `within` and `where` say which rows of a relation count; both must hold for a row.

mod boundary;
mod canonical;
pub mod catalogue;
mod check;
mod compile;
mod date;
mod explain;
pub mod facts;
pub mod field;
mod json;
pub mod number;
mod operand;
pub mod operator;
mod place;
mod problem;
mod query_builder;
mod read_json;
mod schema;
mod sentence;
mod sql;
pub mod templates;
pub mod tree;
mod values;
mod warnings;

use std::collections::BTreeSet;

pub use date::{DayExpression, Duration, Window};
pub use explain::{ExplainedNode, Explanation};
use field::{Field, Group};
use problem::Problems;
pub use problem::{Code, Problem};
pub use schema::json_schema;
pub use sql::{Param, RowsAddedUp, Sql};
use tree::{Node, Scope};
pub use warnings::{Doubt, Warning};

/// A document that was read and found valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Criteria {
    scope: Scope,
    root: Node,
}

impl Criteria {
    /// Reads a document.
    ///
    /// # Errors
    /// Every problem of the document at once; only what is no JSON at all, or larger than 32 KiB, ends the search
    /// at the first.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        Self::parse_with(text, catalogue::GUEST)
    }

    fn parse_with(text: &str, fields: &'static [Field]) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::default();
        let read =
            read_json(text, &mut problems).and_then(|json| check::document(&json, fields, &mut problems));
        Self::of(read, problems)
    }

    fn of(read: Option<(Scope, Node)>, problems: Problems) -> Result<Self, Vec<Problem>> {
        match read {
            Some((scope, root)) if problems.is_empty() => Ok(Self { scope, root }),
            _ => Err(problems.into_vec()),
        }
    }

    /// Whose guests it is about.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// The tree of conditions.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// The one form that all spellings of this document share: compact JSON, keys in the order of the grammar,
    /// values normalised, lists sorted without doubles. The order of conditions is the author's.
    pub fn canonical(&self) -> String {
        canonical::document(self.scope, &self.root).to_string()
    }

    /// The criteria version: SHA-256 of the canonical form, in lower-case hexadecimal.
    pub fn hash(&self) -> String {
        canonical::sha256(&self.canonical())
    }

    /// Whether the guest `f` is meant: an expression of type bool, never null, over a row of `crm.customer_facts`.
    pub fn predicate(&self) -> Sql {
        compile::predicate(&self.root)
    }

    /// The first local day after today on which time alone may change the verdict for the guest `f`: an expression
    /// of type date, null for never. It is never later than the true change. `None` where time never can.
    pub fn next_change(&self) -> Option<Sql> {
        boundary::next_change(&self.root)
    }

    /// Its nodes one by one.
    pub fn explain(&self) -> Explanation {
        Explanation::of(&self.root)
    }

    /// What it says, in English.
    pub fn sentence(&self) -> String {
        sentence::of_document(&self.root)
    }

    /// What nobody can have meant.
    pub fn warnings(&self) -> Vec<Warning> {
        warnings::of(&self.root)
    }

    /// The fields it asks about, a relation's own as `orders.total`, sorted.
    pub fn fields(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        fields_below(&self.root, "", &mut names);
        names
    }

    /// What may change the verdict for a guest.
    pub fn groups(&self) -> BTreeSet<Group> {
        let mut groups = BTreeSet::new();
        self.root.each_leaf(&mut |leaf| groups.extend(leaf.groups()));
        groups
    }

    /// The keys of the segments it refers to, sorted. Whoever knows their criteria refuses a cycle.
    pub fn segments(&self) -> Vec<String> {
        explain::segments(&self.root)
    }

    /// Whether it asks for health data itself.
    pub fn asks_for_health(&self) -> bool {
        let mut asks = false;
        self.root.each_leaf(&mut |leaf| asks |= leaf.field.health);
        asks
    }

    /// Whether it asks for members of no other segment, and so refers to all.
    pub fn refers_to_all_segments(&self) -> bool {
        let mut all = false;
        self.root.each_leaf(&mut |leaf| {
            all |= leaf.field.group == Group::Segments && leaf.operator == operator::Operator::IsEmpty;
        });
        all
    }

    /// The document as a rule group of react-querybuilder, JSON. A condition alone becomes a group of one.
    ///
    /// # Errors
    /// What a rule group cannot say; pointers are those of the document.
    pub fn to_query_builder(&self) -> Result<String, Vec<Problem>> {
        query_builder::write(&self.root)
    }

    /// Reads a rule group of react-querybuilder.
    ///
    /// # Errors
    /// Every problem at once, as for [`Self::parse`]; pointers are those of the rule group.
    pub fn from_query_builder(text: &str, scope: Scope) -> Result<Self, Vec<Problem>> {
        query_builder::read(text, scope)
    }
}

fn read_json(text: &str, problems: &mut Problems) -> Option<json::Json> {
    if text.len() > check::MOST_BYTES {
        let message = format!("{} bytes; at most {} are allowed", text.len(), check::MOST_BYTES);
        problems.add(Problem::new("", Code::TooLarge, message));
        return None;
    }
    read_json::read(text, problems)
}

fn fields_below(node: &Node, of: &str, names: &mut BTreeSet<String>) {
    if let Node::Leaf(leaf) = node {
        let name = format!("{of}{}", leaf.field.name);
        if let Some(filter) = &leaf.filter {
            fields_below(filter, &format!("{name}."), names);
        }
        names.insert(name);
    }
    for child in node.children() {
        fields_below(child, of, names);
    }
}

#[cfg(test)]
mod tests {
    use super::field::Kind;
    use super::*;

    /// Of types that no field of the catalogue has.
    static FIELDS: &[Field] = &[
        Field::new("flag", "flag", "", Kind::Boolean, Group::Profile, "f.flag").nullable(),
        Field::new("consent", "consent", "", Kind::State(&["GRANTED", "NEVER"]), Group::Profile, "f.consent"),
    ];

    fn parse(node: &str) -> Result<Criteria, Vec<Problem>> {
        Criteria::parse_with(&format!(r#"{{"v":1,"where":{node}}}"#), FIELDS)
    }

    #[test]
    fn an_entry_of_the_catalogue_is_all_that_a_boolean_or_a_state_needs() {
        let flag = parse(r#"{"field":"flag","op":"is","value":false}"#).unwrap();
        assert_eq!(flag.predicate().render(0), "((f.flag = $1::bool) IS TRUE)");
        assert_eq!(flag.sentence(), "Guests for whom flag is no.");
        let consent = parse(r#"{"not":{"field":"consent","op":"is","value":"NEVER"}}"#).unwrap();
        assert_eq!(consent.predicate().render(0), "(NOT (f.consent = $1::text))");
        assert_eq!(
            consent.canonical(),
            r#"{"v":1,"scope":"venue","where":{"not":{"field":"consent","op":"is","value":"NEVER"}}}"#
        );
        for (node, code) in [
            (r#"{"field":"flag","op":"is","value":"no"}"#, Code::WrongType),
            (r#"{"field":"consent","op":"is","value":"granted"}"#, Code::UnknownValue),
            (r#"{"field":"consent","op":"eq","value":"GRANTED"}"#, Code::UnknownOperator),
        ] {
            assert_eq!(parse(node).unwrap_err()[0].code, code, "{node}");
        }
        let never = parse(
            r#"{"all":[{"field":"flag","op":"is","value":true},{"field":"flag","op":"is","value":false}]}"#,
        );
        assert_eq!(never.unwrap().warnings()[0].code, Doubt::Contradictory);
    }
}
