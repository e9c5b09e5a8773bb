//! react-querybuilder's JSON, both ways: `{combinator, not, rules}` groups of `{field, operator, value}` rules.
//!
//! A relation is a rule with `match` (`some`, `none`, `atLeast`, `atMost` or `exactly`, with its threshold), its
//! `where` the group in `value`. Reading makes a document of criteria and checks that, so both formats obey the
//! same rules; the pointers of problems are led back to the rules they come from.

use super::canonical;
use super::catalogue::{self, find};
use super::check;
use super::field::{Field, Kind};
use super::json::Json;
use super::number::{Number, Unit};
use super::operator::{Operator, Takes};
use super::place::Place;
use super::problem::{Code, Problem, Problems};
use super::tree::{Leaf, Node, Scope};
use super::{Criteria, read_json};

/// Deepest rule that is read; the check of the document knows the exact bound.
const DEEPEST: usize = 32;

/// The document as a rule group.
pub(super) fn write(root: &Node) -> Result<String, Vec<Problem>> {
    let mut problems = Problems::default();
    let group = write_group(root, &mut Place::at("/where"), &mut problems);
    if problems.is_empty() { Ok(group.to_string()) } else { Err(problems.into_vec()) }
}

fn group(combinator: &str, not: bool, rules: Vec<Json>) -> Json {
    let mut members = vec![("combinator".to_owned(), Json::text(combinator))];
    if not {
        members.push(("not".to_owned(), Json::Bool(true)));
    }
    members.push(("rules".to_owned(), Json::Array(rules)));
    Json::Object(members)
}

/// A node as a group; a condition alone becomes a group of one.
fn write_group(node: &Node, place: &mut Place, problems: &mut Problems) -> Json {
    match node {
        Node::Leaf(leaf) => group("and", false, vec![rule(leaf, place, problems)]),
        Node::All(nodes) => group("and", false, rules("all", nodes, place, problems)),
        Node::Any(nodes) => group("or", false, rules("any", nodes, place, problems)),
        Node::Not(inner) => {
            let outside = place.enter("not");
            let negated = match inner.as_ref() {
                Node::Any(nodes) => group("or", true, rules("any", nodes, place, problems)),
                // A group of one stands for its only rule, so an `all` of one has to be told apart.
                Node::All(nodes) if nodes.len() != 1 => {
                    group("and", true, rules("all", nodes, place, problems))
                }
                other => group("and", true, vec![write_node(other, place, problems)]),
            };
            place.leave(outside);
            negated
        }
    }
}

fn write_node(node: &Node, place: &mut Place, problems: &mut Problems) -> Json {
    match node {
        Node::Leaf(leaf) => rule(leaf, place, problems),
        other => write_group(other, place, problems),
    }
}

fn rules(key: &str, nodes: &[Node], place: &mut Place, problems: &mut Problems) -> Vec<Json> {
    let outside = place.enter(key);
    let mut written = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let group = place.enter(index);
        written.push(write_node(node, place, problems));
        place.leave(group);
    }
    place.leave(outside);
    written
}

fn rule(leaf: &Leaf, place: &mut Place, problems: &mut Problems) -> Json {
    let value = canonical::operand(&leaf.operand);
    if !matches!(leaf.field.kind, Kind::Relation(_)) {
        return Json::object([
            ("field", Json::text(leaf.field.name)),
            ("operator", Json::text(leaf.operator.query_builder_name())),
            ("value", value.unwrap_or(Json::Null)),
        ]);
    }
    if leaf.within.is_some() {
        let problem = Problem::new(
            &place.of_key("within"),
            Code::NotRepresentable,
            "react-querybuilder has no windows of time",
        );
        problems.add(problem.suggestion(Some("ask for completed_at in \"where\" instead")));
    }
    let Some(mode) = match_mode(leaf.operator) else {
        let message =
            format!("react-querybuilder can count rows, but has nothing like \"{}\"", leaf.operator.name());
        problems.add(
            Problem::new(&place.of_key("op"), Code::NotRepresentable, message).got(leaf.operator.name()),
        );
        return Json::Null;
    };
    let outside = place.enter("where");
    let filter = match &leaf.filter {
        Some(filter) => write_group(filter, place, problems),
        None => group("and", false, Vec::new()),
    };
    place.leave(outside);
    let matching = match value {
        Some(threshold) => Json::object([("mode", Json::text(mode)), ("threshold", threshold)]),
        None => Json::object([("mode", Json::text(mode))]),
    };
    Json::object([
        ("field", Json::text(leaf.field.name)),
        ("operator", Json::text("=")),
        ("match", matching),
        ("value", filter),
    ])
}

const MATCH_MODES: [(&str, Operator); 5] = [
    ("some", Operator::AnyRow),
    ("none", Operator::NoRow),
    ("exactly", Operator::CountEq),
    ("atLeast", Operator::CountGte),
    ("atMost", Operator::CountLte),
];

fn match_mode(operator: Operator) -> Option<&'static str> {
    MATCH_MODES.iter().find(|(_, of)| *of == operator).map(|(mode, _)| *mode)
}

/// Reads a rule group.
pub(super) fn read(text: &str, scope: Scope) -> Result<Criteria, Vec<Problem>> {
    let mut problems = Problems::default();
    let Some(json) = read_json(text, &mut problems) else {
        return Err(problems.into_vec());
    };
    let mut reader = Reader { problems, place: Place::default(), origins: Vec::new() };
    let root = reader.group(&json, "/where", catalogue::GUEST, 0);
    let Reader { problems: found, mut origins, .. } = reader;
    // The longest pointer that fits is the node itself.
    origins.sort_by_key(|(node, _)| std::cmp::Reverse(node.len()));
    let document = Json::object([
        ("v", Json::Number("1".to_owned())),
        ("scope", Json::text(scope.name())),
        ("where", root),
    ]);
    let mut checked = Problems::default();
    let tree = check::document(&document, catalogue::GUEST, &mut checked);
    let mut all = Problems::default();
    found.into_vec().into_iter().for_each(|problem| all.add(problem));
    for mut problem in checked.into_vec() {
        problem.pointer = origin(&problem.pointer, &origins);
        all.add(problem);
    }
    Criteria::of(tree, all)
}

/// The pointer into the rule group of a pointer into the document made from it.
fn origin(pointer: &str, origins: &[(String, String)]) -> String {
    for (node, rule) in origins {
        match pointer.strip_prefix(node.as_str()) {
            Some("/op") => return format!("{rule}/operator"),
            Some("/all" | "/any") => return format!("{rule}/rules"),
            Some(rest) if rest.is_empty() || rest.starts_with('/') => return format!("{rule}{rest}"),
            _ => {}
        }
    }
    String::new()
}

struct Reader {
    problems: Problems,
    place: Place,
    /// Pointers to nodes of the document, and to the rules they come from.
    origins: Vec<(String, String)>,
}

impl Reader {
    fn refuse(&mut self, key: Option<&str>, code: Code, message: &str) -> Json {
        let pointer = key.map_or_else(|| self.place.pointer().to_owned(), |key| self.place.of_key(key));
        self.problems.add(Problem::new(&pointer, code, message));
        Json::Faulty
    }

    fn came_from_here(&mut self, node: &str) {
        self.origins.push((node.to_owned(), self.place.pointer().to_owned()));
    }

    /// Reports keys that would change the meaning and cannot be kept. Those of the editor itself say nothing.
    fn keys(&mut self, json: &Json, known: &[&str]) {
        const OF_THE_EDITOR: [&str; 5] = ["id", "path", "disabled", "locked", "valueSource"];
        let Json::Object(members) = json else { return };
        for (key, value) in members {
            let of_value = key == "valueSource" && *value != Json::text("value");
            if of_value || !(known.contains(&key.as_str()) || OF_THE_EDITOR.contains(&key.as_str())) {
                let message = if of_value {
                    "a value cannot be another field"
                } else {
                    "criteria have nothing like this"
                };
                self.refuse(Some(key), Code::NotRepresentable, message);
            }
        }
    }

    /// A group, which becomes the node at the pointer.
    fn group(&mut self, json: &Json, node: &str, fields: &'static [Field], depth: usize) -> Json {
        self.came_from_here(node);
        if depth > DEEPEST {
            return self.refuse(None, Code::TooDeep, "groups are nested too deeply");
        }
        self.keys(json, &["combinator", "not", "rules"]);
        let rules = match (json, json.get("rules")) {
            (Json::Faulty, _) => return Json::Faulty,
            (_, Some(Json::Array(rules))) => rules,
            (_, Some(Json::Faulty)) => return Json::Faulty,
            _ => return self.refuse(None, Code::WrongType, "a group is an object with an array of rules"),
        };
        if rules.iter().any(|rule| matches!(rule, Json::Text(_))) {
            let message = "combinators between the rules are not supported; give the group one combinator";
            return self.refuse(Some("rules"), Code::NotRepresentable, message);
        }
        let key = match json.get("combinator") {
            Some(Json::Text(word)) if word == "and" => "all",
            Some(Json::Text(word)) if word == "or" => "any",
            Some(Json::Faulty) => return Json::Faulty,
            _ => {
                return self.refuse(
                    Some("combinator"),
                    Code::UnknownValue,
                    "a combinator is \"and\" or \"or\"",
                );
            }
        };
        let not = match json.get("not") {
            None | Some(Json::Null | Json::Bool(false)) => false,
            Some(Json::Bool(true)) => true,
            _ => {
                self.refuse(Some("not"), Code::WrongType, "\"not\" is true or false");
                false
            }
        };
        match rules.as_slice() {
            [only] if not && key == "all" => {
                let inner = self.nested(only, 0, &format!("{node}/not"), fields, depth);
                Json::object([("not", inner)])
            }
            rules => {
                let path = if not { format!("{node}/not") } else { node.to_owned() };
                if not {
                    self.came_from_here(&path);
                }
                let nodes = rules
                    .iter()
                    .enumerate()
                    .map(|(index, rule)| {
                        self.nested(rule, index, &format!("{path}/{key}/{index}"), fields, depth)
                    })
                    .collect();
                let group = Json::object([(key, Json::Array(nodes))]);
                if not { Json::object([("not", group)]) } else { group }
            }
        }
    }

    fn nested(
        &mut self,
        json: &Json,
        index: usize,
        node: &str,
        fields: &'static [Field],
        depth: usize,
    ) -> Json {
        let outside = self.place.enter("rules");
        let rule = self.place.enter(index);
        let read = match json.get("rules") {
            Some(_) => self.group(json, node, fields, depth + 1),
            None => self.rule(json, node, fields, depth),
        };
        self.place.leave(rule);
        self.place.leave(outside);
        read
    }

    fn rule(&mut self, json: &Json, node: &str, fields: &'static [Field], depth: usize) -> Json {
        self.came_from_here(node);
        let field = match json.get("field") {
            Some(Json::Text(name)) => find(fields, name),
            _ => None,
        };
        match field.map(|field| (field, field.kind)) {
            Some((_, Kind::Relation(relation))) => {
                self.keys(json, &["field", "operator", "match", "value"]);
                self.relation_rule(json, node, relation.fields, depth)
            }
            found => {
                self.keys(json, &["field", "operator", "value"]);
                plain_rule(json, found.map(|(field, _)| field))
            }
        }
    }

    fn relation_rule(&mut self, json: &Json, node: &str, fields: &'static [Field], depth: usize) -> Json {
        let matching = json.get("match").unwrap_or(&Json::Null);
        let mode = match matching.get("mode") {
            Some(Json::Text(mode)) => MATCH_MODES.iter().find(|(name, _)| name == mode),
            _ => None,
        };
        let Some((_, operator)) = mode else {
            let pointer = self.place.of_key("match");
            let message = "a rule about rows needs a match with a mode that criteria know";
            let problem = Problem::new(&pointer, Code::NotRepresentable, message);
            self.problems.add(problem.got(matching.to_string()).allowed(MATCH_MODES.map(|(mode, _)| mode)));
            return Json::Faulty;
        };
        let mut members =
            vec![("field", json.get("field").cloned()), ("op", Some(Json::text(operator.name())))];
        if operator.takes() != Takes::Nothing {
            members.push(("value", matching.get("threshold").cloned()));
        }
        let filter = json.get("value").unwrap_or(&Json::Null);
        // An empty group asks nothing of the rows.
        let asks = !matches!(filter.get("rules"), Some(Json::Array(rules)) if rules.is_empty());
        if asks {
            let outside = self.place.enter("value");
            members.push(("where", Some(self.group(filter, &format!("{node}/where"), fields, depth + 1))));
            self.place.leave(outside);
        }
        object(members)
    }
}

fn plain_rule(json: &Json, field: Option<&'static Field>) -> Json {
    let operator = field.zip(json.get("operator")).and_then(|(field, name)| {
        let of = |operator: &&Operator| {
            *name == Json::text(operator.query_builder_name()) || *name == Json::text(operator.name())
        };
        field.operators().iter().find(of).copied()
    });
    let name =
        operator.map_or_else(|| json.get("operator").cloned(), |operator| Some(Json::text(operator.name())));
    let mut members = vec![("field", json.get("field").cloned()), ("op", name)];
    match (field, operator) {
        (_, Some(operator)) if operator.takes() == Takes::Nothing => {}
        (Some(field), Some(operator)) => {
            members.push(("value", json.get("value").map(|value| editor_value(value, field, operator))));
        }
        _ => members.push(("value", json.get("value").cloned())),
    }
    object(members)
}

fn object(members: Vec<(&str, Option<Json>)>) -> Json {
    let members = members.into_iter().filter_map(|(key, value)| value.map(|value| (key.to_owned(), value)));
    Json::Object(members.collect())
}

/// The editor keeps numbers as texts, and lists as one text with commas, unless it is told otherwise.
fn editor_value(value: &Json, field: &'static Field, operator: Operator) -> Json {
    let takes = operator.takes();
    let unit = check::unit_of(field, takes).or((takes == Takes::Month).then_some(Unit::Whole));
    let one = |value: &Json| match (value, unit) {
        (Json::Text(text), Some(unit)) if Number::read(text.trim(), unit).is_ok() => {
            Json::Number(text.trim().to_owned())
        }
        _ => value.clone(),
    };
    match (takes, value) {
        (Takes::List | Takes::Range, Json::Text(text)) => {
            Json::Array(text.split(',').map(|part| one(&Json::text(part.trim()))).collect())
        }
        (Takes::List | Takes::Range, Json::Array(values)) => Json::Array(values.iter().map(one).collect()),
        _ => one(value),
    }
}
