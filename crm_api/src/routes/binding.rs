//! What of the platform is bound.

use axum::Json;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::page::Page;
use crate::{
    caller::Caller,
    database::Database,
    extract::{Body, NoParameters, Query},
    json_rows,
    problem::Problem,
};

pub fn router() -> OpenApiRouter<Database> {
    OpenApiRouter::new()
        .routes(routes!(list_bindings))
        .routes(routes!(check_bindings))
        .routes(routes!(plan_binding))
        .routes(routes!(suggest_bindings))
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Binding {
    /// venue, customer, order, product or order_item.
    entity: String,
    /// Null where all is constant.
    #[schema(required)]
    host_table: Option<String>,
    /// Field to column, as it was given.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    mapping: Value,
    bound_at: DateTime<Utc>,
    /// When the history was counted.
    #[schema(required)]
    backfilled_at: Option<DateTime<Utc>>,
    /// What no longer fits since the platform changed its table.
    #[schema(required)]
    drift: Option<String>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct BindingFinding {
    entity: String,
    /// error, warning or info.
    severity: String,
    /// Stable.
    code: String,
    message: String,
    #[schema(required)]
    hint: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Entity {
    /// Only of this: venue, customer, order, product or order_item.
    entity: Option<String>,
}

/// What of the platform is bound
#[utoipa::path(get, path = "/bindings", tag = "operation",
    responses((status = 200, description = "All in one page", body = Page<Binding>)))]
async fn list_bindings(caller: Caller, NoParameters: NoParameters) -> Result<Json<Page<Binding>>, Problem> {
    caller.list("binding_list", json_rows!("SELECT * FROM crm.binding_list()"), &[]).await
}

/// What is wrong or missing in the bindings
#[utoipa::path(get, path = "/bindings/check", tag = "operation", params(Entity),
    responses((status = 200, description = "All in one page; none when all is well", body = Page<BindingFinding>)))]
async fn check_bindings(
    caller: Caller,
    Query(Entity { entity }): Query<Entity>,
) -> Result<Json<Page<BindingFinding>>, Problem> {
    const SQL: &str = json_rows!("SELECT * FROM crm.binding_findings($1::text)");
    let findings = caller.list("binding_findings", SQL, &[&entity]).await;
    findings.map_err(|problem| problem.at(&[("of_entity", "#/query/entity"), ("entity", "#/query/entity")]))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"entity": "customer", "host_table": "public.\"Customer\"", "mapping": {"ref": "id", "name": "name", "phone": "phone"}}))]
struct WantedBinding {
    /// venue, customer, order, product or order_item.
    entity: String,
    /// Schema and name as in SQL; null for a venue of constants.
    host_table: Option<String>,
    /// Field to column, or to an object with a column and what it means.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    mapping: Value,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct BindingStep {
    step: i32,
    statement: String,
}

/// What a binding would do
///
/// The exact statements that `crm.bind` would run as a database administrator; nothing is done.
#[utoipa::path(post, path = "/bindings/plan", tag = "operation", request_body = WantedBinding,
    responses((status = 200, description = "All in one page", body = Page<BindingStep>)))]
async fn plan_binding(
    caller: Caller,
    NoParameters: NoParameters,
    Body(WantedBinding { entity, host_table, mapping }): Body<WantedBinding>,
) -> Result<Json<Page<BindingStep>>, Problem> {
    const SQL: &str = json_rows!("SELECT * FROM crm.plan_binding($1::text, $2::text, $3::jsonb)");
    let steps = caller.list("plan_binding", SQL, &[&entity, &host_table, &mapping]).await;
    steps.map_err(|problem| {
        problem
            .at(&[
                ("entity", "#/body/entity"),
                ("host_table", "#/body/host_table"),
                ("mapping", "#/body/mapping"),
            ])
            .at_member("#/body/mapping")
    })
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct SuggestedBinding {
    /// venue, customer, order, product or order_item.
    entity: String,
    /// The likeliest table.
    host_table: String,
    /// Field to column, as `POST /v1/bindings/plan` takes it.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    mapping: Value,
    /// Required fields that were not found.
    missing: Vec<String>,
    /// What was assumed, and what is to be given.
    notes: Vec<String>,
}

/// A first draft of bindings
///
/// Made from the names, types and keys of the platform's tables; nothing of the data is read.
#[utoipa::path(get, path = "/bindings/suggestion", tag = "operation",
    responses((status = 200, description = "All in one page, an entity each; none where no table looks like it", body = Page<SuggestedBinding>)))]
async fn suggest_bindings(
    caller: Caller,
    NoParameters: NoParameters,
) -> Result<Json<Page<SuggestedBinding>>, Problem> {
    caller.list("suggest_binding", json_rows!("SELECT * FROM crm.suggest_binding()"), &[]).await
}
