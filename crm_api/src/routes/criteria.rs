//! Criteria: the language in which segments are written.

use std::collections::BTreeMap;

use axum::Json;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::page::Page;
use crate::{
    caller::Caller,
    database::Database,
    extract::{Body, NoParameters},
    json_rows,
    problem::Problem,
};

pub fn router() -> OpenApiRouter<Database> {
    OpenApiRouter::new()
        .routes(routes!(get_criteria_schema))
        .routes(routes!(validate_criteria))
        .routes(routes!(describe_criteria))
        .routes(routes!(criteria_to_query_builder))
        .routes(routes!(criteria_from_query_builder))
}

/// Criteria, letter by letter: a doubled key or a long number is for SQL to judge.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(value_type = CriteriaDocument)]
pub struct Criteria(Box<RawValue>);

impl Criteria {
    pub fn text(&self) -> &str {
        self.0.get()
    }
}

/// Criteria; `GET /v1/criteria/schema` has their JSON Schema with all fields and operators.
#[derive(ToSchema)]
#[schema(as = Criteria, example = json!({"v": 1, "where": {"all": [{"field": "total_visits", "op": "gte", "value": 3}]}}))]
#[expect(dead_code, reason = "only its documentation is used")]
struct CriteriaDocument {
    /// Version of the language: 1.
    v: i32,
    /// venue or org; venue unless it says so.
    #[schema(nullable = false)]
    scope: Option<String>,
    /// A node: a group ({"all": […]}, {"any": […]}, {"not": …}) or a condition (field, op, value).
    r#where: BTreeMap<String, Value>,
}

/// A rule group of react-querybuilder.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(value_type = BTreeMap<String, Value>, example = json!({"combinator": "and", "rules": [{"field": "total_visits", "operator": ">=", "value": 3}]}))]
struct RuleGroup(Box<RawValue>);

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Given {
    criteria: Criteria,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GivenRules {
    rules: RuleGroup,
    /// Whether they are about the organisation's guests; a venue's unless it says so.
    #[serde(default)]
    of_organisation: bool,
}

/// What is wrong with criteria, or doubtful.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Finding {
    severity: Severity,
    /// JSON pointer to the value.
    pointer: String,
    /// Stable.
    code: String,
    /// In English.
    message: String,
    #[schema(required)]
    got: Option<String>,
    #[schema(required)]
    allowed: Option<Vec<String>>,
    /// What was probably meant.
    #[schema(required)]
    suggestion: Option<String>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Severity {
    Error,
    Warning,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Described {
    /// In English.
    sentence: String,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Read {
    criteria: Criteria,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Rules {
    rules: RuleGroup,
}

/// A JSON Schema; `$defs.catalogue` lists the fields with labels, types, operators and values.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(value_type = BTreeMap<String, Value>)]
struct Schema(Box<RawValue>);

/// JSON Schema of criteria
///
/// Draft 2020-12. `$defs.catalogue` lists the fields with labels, types, operators and values.
#[utoipa::path(get, path = "/criteria/schema", tag = "criteria",
    responses((status = 200, description = "The schema", body = Schema)))]
async fn get_criteria_schema(caller: Caller, NoParameters: NoParameters) -> Result<Json<Schema>, Problem> {
    caller.one("criteria_schema", "SELECT crm.criteria_schema()", &[]).await.map(Json)
}

/// All that is wrong with criteria
///
/// Or, of valid ones, what is doubtful. No items for good ones.
#[utoipa::path(post, path = "/criteria/validate", tag = "criteria", request_body = Given,
    responses((status = 200, description = "All in one page", body = Page<Finding>)))]
async fn validate_criteria(
    caller: Caller,
    NoParameters: NoParameters,
    Body(Given { criteria }): Body<Given>,
) -> Result<Json<Page<Finding>>, Problem> {
    const SQL: &str = json_rows!("SELECT * FROM crm.validate_criteria($1::text)");
    let findings = caller.list("validate_criteria", SQL, &[&criteria.text()]).await;
    findings.map_err(|problem| problem.at_or_body(&[]))
}

/// Criteria as a sentence
#[utoipa::path(post, path = "/criteria/describe", tag = "criteria", request_body = Given,
    responses((status = 200, description = "The sentence", body = Described)))]
async fn describe_criteria(
    caller: Caller,
    NoParameters: NoParameters,
    Body(Given { criteria }): Body<Given>,
) -> Result<Json<Described>, Problem> {
    const SQL: &str = json_rows!("SELECT crm.describe_criteria($1::text) AS sentence");
    let described = caller.one("describe_criteria", SQL, &[&criteria.text()]).await;
    described.map(Json).map_err(|problem| problem.at_or_body(&[]))
}

/// Criteria as a rule group of react-querybuilder
#[utoipa::path(post, path = "/criteria/to-query-builder", tag = "criteria", request_body = Given,
    responses((status = 200, description = "The rule group", body = Rules)))]
async fn criteria_to_query_builder(
    caller: Caller,
    NoParameters: NoParameters,
    Body(Given { criteria }): Body<Given>,
) -> Result<Json<Rules>, Problem> {
    const SQL: &str = json_rows!("SELECT crm.criteria_to_query_builder($1::text)::json AS rules");
    let rules = caller.one("criteria_to_query_builder", SQL, &[&criteria.text()]).await;
    rules.map(Json).map_err(|problem| problem.at_or_body(&[]))
}

/// Criteria of a rule group of react-querybuilder
#[utoipa::path(post, path = "/criteria/from-query-builder", tag = "criteria", request_body = GivenRules,
    responses((status = 200, description = "The criteria, in their canonical form", body = Read)))]
async fn criteria_from_query_builder(
    caller: Caller,
    NoParameters: NoParameters,
    Body(GivenRules { rules, of_organisation }): Body<GivenRules>,
) -> Result<Json<Read>, Problem> {
    const SQL: &str =
        json_rows!("SELECT crm.criteria_from_query_builder($1::text, $2::bool)::json AS criteria");
    let read = caller.one("criteria_from_query_builder", SQL, &[&rules.0.get(), &of_organisation]).await;
    read.map(Json).map_err(|problem| problem.at_or_body(&[]))
}
