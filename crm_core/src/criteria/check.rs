//! From JSON to a checked document, gathering every problem on the way.

use super::catalogue::find;
use super::date::Window;
use super::field::{Field, Kind};
use super::json::Json;
use super::number::Unit;
use super::operand;
use super::operator::{Operator, Takes};
use super::place::Place;
use super::problem::{Code, Problem, Problems, nearest};
use super::sentence::article;
use super::tree::{Leaf, Node, Operand, Scope};

/// Nodes on the way to a leaf, the leaf among them.
pub(super) const DEEPEST_NODE: usize = 6;
/// Relations whose `where` a leaf may stand in.
pub(super) const DEEPEST_RELATION: usize = 2;
/// Leaves of a document.
pub(super) const MOST_LEAVES: usize = 100;
/// Bytes of a document.
pub(super) const MOST_BYTES: usize = 32 * 1024;

const VERSION: &str = "1";

/// Checks a document against the grammar and the fields of a guest.
pub(super) fn document(
    json: &Json,
    fields: &'static [Field],
    problems: &mut Problems,
) -> Option<(Scope, Node)> {
    let mut check = Check { problems, place: Place::default(), scope: Scope::Venue, leaves: 0 };
    check.keys(json, "criteria", &["v", "scope", "where"])?;
    check.version(json);
    check.scope(json);
    let root = match json.get("where") {
        Some(root) => check.within("where", |check| check.root(root, fields)),
        None => check.missing("where", "which guests are meant"),
    };
    if check.leaves > MOST_LEAVES {
        let message = format!("{} conditions; at most {MOST_LEAVES} are allowed", check.leaves);
        check.problems.add(Problem::new("/where", Code::TooManyLeaves, message));
    }
    Some((check.scope, root?))
}

struct Check<'p> {
    problems: &'p mut Problems,
    place: Place,
    scope: Scope,
    leaves: usize,
}

/// Where a node stands.
#[derive(Clone, Copy)]
struct Level {
    /// What a field may be looked up in.
    fields: &'static [Field],
    /// Of whose rows, in words.
    of: &'static str,
    /// Nodes above, and this one.
    nodes: usize,
    /// Relations around.
    relations: usize,
}

impl Level {
    fn below(self) -> Self {
        Self { nodes: self.nodes + 1, ..self }
    }
}

impl Check<'_> {
    fn within<R>(&mut self, step: impl std::fmt::Display, work: impl FnOnce(&mut Self) -> R) -> R {
        let outside = self.place.enter(step);
        let result = work(self);
        self.place.leave(outside);
        result
    }

    fn problem(&self, code: Code, message: impl Into<String>) -> Problem {
        Problem::new(self.place.pointer(), code, message)
    }

    fn missing<T>(&mut self, key: &str, meaning: &str) -> Option<T> {
        self.problems
            .add(self.problem(Code::MissingKey, format!("\"{key}\" is missing: {meaning}")).allowed([key]));
        None
    }

    /// Refuses what is no object, and keys without meaning here.
    fn keys(&mut self, json: &Json, what: &str, allowed: &[&str]) -> Option<()> {
        let members = match json {
            Json::Object(members) => members,
            Json::Faulty => return None,
            other => {
                let message = format!("{what} must be an object, not {}", other.type_name());
                self.problems.add(self.problem(Code::WrongType, message).got(other.to_string()));
                return None;
            }
        };
        for (key, _) in members.iter().filter(|(key, _)| !allowed.contains(&key.as_str())) {
            self.problems.add(
                Problem::new(
                    &self.place.of_key(key),
                    Code::UnknownKey,
                    format!("{what} has no key of this name"),
                )
                .got(key)
                .allowed(allowed.iter().copied())
                .suggestion(nearest(key, allowed.iter().copied())),
            );
        }
        Some(())
    }

    fn version(&mut self, json: &Json) {
        match json.get("v") {
            Some(Json::Number(literal)) if literal == VERSION => {}
            Some(Json::Faulty) => {}
            Some(other) => {
                let problem =
                    Problem::new("/v", Code::UnsupportedVersion, "this version of criteria is not known");
                self.problems.add(problem.got(other.to_string()).allowed([VERSION]));
            }
            None => self.missing("v", "the version of the criteria").unwrap_or_default(),
        }
    }

    fn scope(&mut self, json: &Json) {
        match json.get("scope") {
            None | Some(Json::Faulty) => {}
            Some(Json::Text(scope)) if scope == "venue" => self.scope = Scope::Venue,
            Some(Json::Text(scope)) if scope == "org" => self.scope = Scope::Org,
            Some(other) => {
                let problem =
                    Problem::new("/scope", Code::UnknownValue, "the scope is a venue or the organisation");
                let given = if let Json::Text(text) = other { text.clone() } else { other.to_string() };
                self.problems.add(
                    problem
                        .suggestion(nearest(&given, ["venue", "org"]))
                        .got(given)
                        .allowed(["venue", "org"]),
                );
            }
        }
    }

    fn root(&mut self, json: &Json, fields: &'static [Field]) -> Option<Node> {
        if let Json::Object(members) = json
            && let [(key, Json::Array(nodes))] = members.as_slice()
            && key == "all"
            && nodes.is_empty()
        {
            return Some(Node::All(Vec::new()));
        }
        self.node(json, Level { fields, of: "guest", nodes: 1, relations: 0 })
    }

    fn node(&mut self, json: &Json, level: Level) -> Option<Node> {
        if level.nodes > DEEPEST_NODE {
            let message = format!("conditions are nested deeper than {DEEPEST_NODE} levels");
            self.problems.add(self.problem(Code::TooDeep, message));
            return None;
        }
        const KINDS: [&str; 4] = ["all", "any", "not", "field"];
        let Json::Object(members) = json else {
            self.keys(json, "a condition", &KINDS);
            return None;
        };
        let kinds: Vec<&str> = KINDS.into_iter().filter(|kind| json.get(kind).is_some()).collect();
        match kinds.as_slice() {
            ["field"] => {
                self.leaves += 1;
                self.leaf(json, level)
            }
            [kind] => {
                let _ = self.keys(json, &format!("a condition with \"{kind}\""), &[kind]);
                let inner = json.get(kind)?;
                match *kind {
                    "not" => self
                        .within("not", |check| check.node(inner, level.below()))
                        .map(|node| Node::Not(Box::new(node))),
                    "all" => self.group("all", inner, level).map(Node::All),
                    _ => self.group("any", inner, level).map(Node::Any),
                }
            }
            [] => {
                let message = "a condition is one of all, any, not, or a field with an operator";
                let near = members.iter().find_map(|(key, _)| nearest(key, KINDS));
                self.problems.add(
                    self.problem(Code::NotANode, message)
                        .got(json.to_string())
                        .allowed(KINDS)
                        .suggestion(near),
                );
                None
            }
            several => {
                let message = format!("{} cannot stand in one condition", several.join(" and "));
                self.problems.add(
                    self.problem(Code::NotANode, message)
                        .allowed(KINDS)
                        .suggestion(Some("put each into a condition of its own inside all or any")),
                );
                None
            }
        }
    }

    fn group(&mut self, key: &str, json: &Json, level: Level) -> Option<Vec<Node>> {
        self.within(key, |check| {
            let nodes = match json {
                Json::Array(nodes) => nodes,
                Json::Faulty => return None,
                other => {
                    let message =
                        format!("\"{key}\" takes an array of conditions, not {}", other.type_name());
                    check.problems.add(check.problem(Code::WrongType, message).got(other.to_string()));
                    return None;
                }
            };
            if nodes.is_empty() {
                let everyone = "{\"all\":[]} as the whole of \"where\" means everyone";
                check.problems.add(
                    check
                        .problem(Code::EmptyGroup, "a group needs at least one condition")
                        .suggestion(Some(everyone)),
                );
                return None;
            }
            // Every node is looked at, so that all problems are found.
            let checked: Vec<Option<Node>> = nodes
                .iter()
                .enumerate()
                .map(|(index, node)| check.within(index, |check| check.node(node, level.below())))
                .collect();
            checked.into_iter().collect()
        })
    }

    fn leaf(&mut self, json: &Json, level: Level) -> Option<Node> {
        let field = self.field(json.get("field")?, level);
        let relation = field.and_then(|field| match field.kind {
            Kind::Relation(relation) => Some(relation),
            _ => None,
        });
        match (field, relation) {
            (None, _) | (_, Some(_)) => {
                self.keys(json, "a condition", &["field", "op", "value", "within", "where"])
            }
            _ => self.keys(json, "a condition on a field that is no relation", &["field", "op", "value"]),
        };
        let operator = match json.get("op") {
            Some(name) => field.and_then(|field| self.operator(name, field)),
            None => self.missing("op", "what is asked of the field"),
        };
        let operand = field.zip(operator).and_then(|(field, operator)| self.operand(json, field, operator));
        let (mut within, mut filter) = (Some(None), Some(None));
        if let Some(relation) = relation {
            if let Some(window) = json.get("within") {
                within = self.window(window).map(Some);
            }
            if let Some(inner) = json.get("where") {
                let level = Level {
                    fields: relation.fields,
                    of: relation.noun.0,
                    nodes: level.nodes + 1,
                    relations: level.relations + 1,
                };
                filter = self.within("where", |check| check.filter(inner, level)).map(Some);
            }
        }
        let (field, operator, operand) = (field?, operator?, operand?);
        Some(Node::Leaf(Leaf { field, operator, operand, within: within?, filter: filter?.map(Box::new) }))
    }

    fn filter(&mut self, json: &Json, level: Level) -> Option<Node> {
        if level.relations > DEEPEST_RELATION {
            let message = format!("relations are nested deeper than {DEEPEST_RELATION} levels");
            self.problems.add(self.problem(Code::TooDeep, message));
            return None;
        }
        self.node(json, level)
    }

    fn field(&mut self, json: &Json, level: Level) -> Option<&'static Field> {
        let name = match json {
            Json::Text(name) => name,
            Json::Faulty => return None,
            other => {
                let message = format!("the name of a field is a string, not {}", other.type_name());
                let pointer = self.place.of_key("field");
                self.problems.add(Problem::new(&pointer, Code::WrongType, message).got(other.to_string()));
                return None;
            }
        };
        let pointer = self.place.of_key("field");
        let known = level.fields.iter().filter(|field| self.scope == Scope::Venue || !field.venue_only);
        let names: Vec<&str> = known.map(|field| field.name).collect();
        match find(level.fields, name) {
            Some(field) if names.contains(&field.name) => Some(field),
            Some(field) => {
                let message = format!(
                    "\"{}\" belongs to one venue, and these criteria are about the organisation",
                    field.name
                );
                self.problems.add(
                    Problem::new(&pointer, Code::NotInScope, message)
                        .got(name)
                        .allowed(names)
                        .suggestion(Some("set \"scope\" to \"venue\"")),
                );
                None
            }
            None => {
                let message = format!("there is no such field of {} {}", article(level.of), level.of);
                self.problems.add(
                    Problem::new(&pointer, Code::UnknownField, message)
                        .got(name)
                        .suggestion(nearest(name, names.iter().copied()))
                        .allowed(names),
                );
                None
            }
        }
    }

    fn operator(&mut self, json: &Json, field: &'static Field) -> Option<Operator> {
        let pointer = self.place.of_key("op");
        let name = match json {
            Json::Text(name) => name,
            Json::Faulty => return None,
            other => {
                let message = format!("the name of an operator is a string, not {}", other.type_name());
                self.problems.add(Problem::new(&pointer, Code::WrongType, message).got(other.to_string()));
                return None;
            }
        };
        let operators = field.operators();
        let found = operators.iter().find(|operator| operator.name() == name);
        if found.is_none() {
            let names = || operators.iter().map(|operator| operator.name());
            // Who writes ">=" gets told "gte".
            let symbol = operators.iter().find(|operator| {
                operator.query_builder_name() == name || name == "==" && operator.name() == "eq"
            });
            let message =
                format!("\"{}\" is of type {}, which has no such operator", field.name, field.type_name());
            self.problems.add(
                Problem::new(&pointer, Code::UnknownOperator, message)
                    .got(name)
                    .allowed(names())
                    .suggestion(symbol.map(|operator| operator.name()).or_else(|| nearest(name, names()))),
            );
        }
        found.copied()
    }

    fn operand(&mut self, json: &Json, field: &'static Field, operator: Operator) -> Option<Operand> {
        match (operator.takes(), json.get("value")) {
            (Takes::Nothing, None) => Some(Operand::Nothing),
            (Takes::Nothing, Some(value)) => {
                let pointer = self.place.of_key("value");
                let message = format!("\"{}\" takes no value", operator.name());
                self.problems
                    .add(Problem::new(&pointer, Code::ValueNotAllowed, message).got(value.to_string()));
                None
            }
            (_, None) => self.missing("value", &format!("what \"{}\" compares with", operator.name())),
            (takes, Some(value)) => {
                let mut place = Place::at(&self.place.of_key("value"));
                operand::read(
                    value,
                    field,
                    operator,
                    takes,
                    &mut operand::Reading { place: &mut place, problems: self.problems },
                )
            }
        }
    }

    fn window(&mut self, json: &Json) -> Option<Window> {
        let mut place = Place::at(&self.place.of_key("within"));
        operand::window(json, &mut operand::Reading { place: &mut place, problems: self.problems })
    }
}

/// The unit of the numbers a field is compared with, where it is.
pub(super) fn unit_of(field: &Field, takes: Takes) -> Option<Unit> {
    match (takes, field.kind) {
        (Takes::Number(unit), _) | (_, Kind::Number(unit, ..)) => Some(unit),
        _ => None,
    }
}
