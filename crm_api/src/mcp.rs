//! Tools for language models (Model Context Protocol): questions about guests and segments, under the caller's role, read only.
//!
//! Over HTTP at `/mcp`, each request with its key; over standard input and output by `crm_api mcp`, with the key of
//! `CRM_MCP_KEY`. Names, phones and addresses are masked unless the caller asks for them.

mod mask;

use std::sync::Arc;

use axum::http::request::Parts;
use rmcp::{
    RoleServer, ServerHandler, ServiceExt,
    handler::server::{router::tool::ToolRouter, wrapper::Parameters},
    model::{CallToolResult, ContentBlock, Implementation, ServerCapabilities, ServerConfig},
    schemars::{self, JsonSchema},
    service::RequestContext,
    tool, tool_handler, tool_router,
    transport::{
        stdio,
        streamable_http_server::{
            StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
        },
    },
};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    caller::Caller, config::Config, credentials::Credentials, database::Database, json_rows, problem::Problem,
};

const INSTRUCTIONS: &str = "Guests of restaurants with their scores and labels (CHAMPION, LOYAL, POTENTIAL, NEW, AT_RISK, LOST, INACTIVE), \
    and segments of them. Money is a decimal string in the venue's currency. Start with overview or segments. Personal data is masked \
    unless show_personal_data is true; ask for it only where the task needs it.";

/// `POST /mcp`: every request stands for itself, so that any instance of the service answers it.
pub fn service(database: Database) -> StreamableHttpService<Tools, NeverSessionManager> {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        // Which hosts are asked for is the proxy's matter; no browser's cookie signs in here.
        .disable_allowed_hosts();
    let factory = move || Ok(Tools::new(database.clone(), None));
    StreamableHttpService::new(factory, Arc::new(NeverSessionManager::default()), config)
}

/// `crm_api mcp`: one caller over standard input and output.
pub async fn serve_stdio(config: Config) -> Result<(), String> {
    let key = config.mcp_key.clone().ok_or("CRM_MCP_KEY must be set")?;
    let tools = Tools::new(Database::new(&config)?, Some(Credentials::new(&key)));
    let service = tools.serve(stdio()).await.map_err(|error| error.to_string())?;
    service.waiting().await.map(drop).map_err(|error| error.to_string())
}

#[derive(Clone)]
pub struct Tools {
    database: Database,
    /// Of the one caller over standard input.
    credentials: Option<Credentials>,
    tool_router: ToolRouter<Self>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AtVenue {
    /// The venue: its uuid, or the platform's own id.
    venue: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MaybeAtVenue {
    /// The venue: its uuid, or the platform's own id; left out for all within reach.
    venue: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TopGuests {
    /// The venue: its uuid, or the platform's own id.
    venue: String,
    /// spend, visits or orders.
    by: Option<String>,
    /// Guests at most, 1 to 200; 10 unless given.
    limit: Option<i32>,
    /// Names, phones and e-mails as they are, not masked.
    #[serde(default)]
    show_personal_data: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NotSeen {
    /// The venue: its uuid, or the platform's own id.
    venue: String,
    /// Days since the last visit, at least.
    days: i32,
    /// Visits at least.
    visits_from: Option<i32>,
    /// Guests at most, 1 to 200; 50 unless given.
    limit: Option<i32>,
    /// Names, phones and e-mails as they are, not masked.
    #[serde(default)]
    show_personal_data: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OfGuest {
    /// The guest: his uuid, or the platform's own id.
    customer: String,
    /// Names, contacts and notes as they are, not masked.
    #[serde(default)]
    show_personal_data: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PreviewSegment {
    /// Criteria as JSON text, such as {"v":1,"where":{"field":"total_visits","op":"gte","value":3}}.
    criteria: String,
    /// The venue: its uuid, or the platform's own id; left out for the organisation.
    venue: Option<String>,
    /// Names of the samples as they are, not masked.
    #[serde(default)]
    show_personal_data: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ExplainSegment {
    /// The guest: his uuid, or the platform's own id.
    customer: String,
    /// The segment's number.
    segment: i32,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LabelMovement {
    /// The venue: its uuid, or the platform's own id.
    venue: String,
    /// First local day, YYYY-MM-DD.
    from: String,
    /// Last local day, YYYY-MM-DD.
    to: String,
}

#[tool_router]
impl Tools {
    fn new(database: Database, credentials: Option<Credentials>) -> Self {
        Self { database, credentials, tool_router: Self::tool_router() }
    }

    /// Figures of a venue at a glance: guests by label, revenue, the last days and weeks, regulars about to be at risk.
    #[tool(annotations(read_only_hint = true))]
    async fn overview(
        &self,
        Parameters(AtVenue { venue }): Parameters<AtVenue>,
        context: RequestContext<RoleServer>,
    ) -> CallToolResult {
        let asked = async {
            self.caller(&context)?.one("overview", "SELECT crm.overview($1::text)", &[&venue]).await
        };
        answer(asked.await)
    }

    /// The guests of a venue who spent or came most.
    #[tool(annotations(read_only_hint = true))]
    async fn top_guests(
        &self,
        Parameters(wanted): Parameters<TopGuests>,
        context: RequestContext<RoleServer>,
    ) -> CallToolResult {
        const SQL: &str = json_rows!(
            "SELECT ref, name, phone, email, label, total_orders, total_visits, total_spent::text, currency, last_order_at, days_since_last_order \
               FROM crm.customer_list(venue => $1::text, sort => '-' || COALESCE($2::text, 'spend'), page_size => COALESCE($3::int, 10))"
        );
        let asked = async {
            let rows = self
                .caller(&context)?
                .rows("customer_list", SQL, &[&wanted.venue, &wanted.by, &wanted.limit])
                .await?;
            Ok(mask::guests(Value::Array(rows), wanted.show_personal_data))
        };
        answer(asked.await)
    }

    /// Guests of a venue who have not been there for so many days, who spent most first.
    #[tool(annotations(read_only_hint = true))]
    async fn guests_not_seen(
        &self,
        Parameters(wanted): Parameters<NotSeen>,
        context: RequestContext<RoleServer>,
    ) -> CallToolResult {
        const SQL: &str = json_rows!(
            "SELECT ref, name, phone, email, label, total_orders, total_visits, total_spent::text, currency, last_order_at, days_since_last_order \
               FROM crm.customer_list(venue => $1::text, sort => '-spend', visits_from => $3::int, page_size => COALESCE($4::int, 50), \
                    last_visit_to => (crm.now() - make_interval(days => LEAST(GREATEST($2::int, 0), 36500)))::date)"
        );
        let asked = async {
            let parameters: crate::database::Parameters<'_> =
                &[&wanted.venue, &wanted.days, &wanted.visits_from, &wanted.limit];
            let rows = self.caller(&context)?.rows("customer_list", SQL, parameters).await?;
            Ok(mask::guests(Value::Array(rows), wanted.show_personal_data))
        };
        answer(asked.await)
    }

    /// Everything known of one guest: totals and label per venue, tags, needs, preferences, segments, latest orders.
    #[tool(annotations(read_only_hint = true))]
    async fn guest(
        &self,
        Parameters(wanted): Parameters<OfGuest>,
        context: RequestContext<RoleServer>,
    ) -> CallToolResult {
        let asked = async {
            let dossier = self
                .caller(&context)?
                .one("dossier", "SELECT crm.dossier($1::text)", &[&wanted.customer])
                .await?;
            Ok(mask::dossier(dossier, wanted.show_personal_data))
        };
        answer(asked.await)
    }

    /// The segments, what each says and how many members it has.
    #[tool(annotations(read_only_hint = true))]
    async fn segments(
        &self,
        Parameters(MaybeAtVenue { venue }): Parameters<MaybeAtVenue>,
        context: RequestContext<RoleServer>,
    ) -> CallToolResult {
        const SQL: &str = json_rows!(
            "SELECT segment_id, venue_id, key, name, sentence, criteria::json, members FROM crm.segment_list($1::text)"
        );
        let asked =
            async { self.caller(&context)?.rows("segment_list", SQL, &[&venue]).await.map(Value::Array) };
        answer(asked.await)
    }

    /// Whom criteria would mean: how many guests, how many each condition holds for, ten samples. Saves nothing.
    #[tool(annotations(read_only_hint = true))]
    async fn preview_segment(
        &self,
        Parameters(wanted): Parameters<PreviewSegment>,
        context: RequestContext<RoleServer>,
    ) -> CallToolResult {
        const SQL: &str = "SELECT crm.preview_segment($1::text, $2::text)";
        let asked = async {
            let preview = self
                .caller(&context)?
                .one("preview_segment", SQL, &[&wanted.criteria, &wanted.venue])
                .await?;
            Ok(mask::preview(preview, wanted.show_personal_data))
        };
        answer(asked.await)
    }

    /// Why a guest is in a segment or not, condition by condition.
    #[tool(annotations(read_only_hint = true))]
    async fn explain_segment(
        &self,
        Parameters(wanted): Parameters<ExplainSegment>,
        context: RequestContext<RoleServer>,
    ) -> CallToolResult {
        const SQL: &str = json_rows!(
            "SELECT pointer, sentence, field, verdict FROM crm.explain_segment($1::text, $2::int)"
        );
        let asked = async {
            self.caller(&context)?
                .rows("explain_segment", SQL, &[&wanted.customer, &wanted.segment])
                .await
                .map(Value::Array)
        };
        answer(asked.await)
    }

    /// How guests moved from label to label at a venue between two days.
    #[tool(annotations(read_only_hint = true))]
    async fn label_movement(
        &self,
        Parameters(wanted): Parameters<LabelMovement>,
        context: RequestContext<RoleServer>,
    ) -> CallToolResult {
        const SQL: &str =
            json_rows!("SELECT * FROM crm.label_flow($1::text, $2::text::date, $3::text::date)");
        let asked = async {
            self.caller(&context)?
                .rows("label_flow", SQL, &[&wanted.venue, &wanted.from, &wanted.to])
                .await
                .map(Value::Array)
        };
        answer(asked.await)
    }

    /// How many guests may be written to on each channel, by a venue or the whole organisation.
    #[tool(annotations(read_only_hint = true))]
    async fn reachable_counts(
        &self,
        Parameters(MaybeAtVenue { venue }): Parameters<MaybeAtVenue>,
        context: RequestContext<RoleServer>,
    ) -> CallToolResult {
        const SQL: &str = json_rows!("SELECT * FROM crm.reachable_counts($1::text)");
        let asked =
            async { self.caller(&context)?.rows("reachable_counts", SQL, &[&venue]).await.map(Value::Array) };
        answer(asked.await)
    }

    fn caller(&self, context: &RequestContext<RoleServer>) -> Result<Caller, Problem> {
        let credentials = match (&self.credentials, context.extensions.get::<Parts>()) {
            (Some(credentials), _) => credentials.clone(),
            (None, Some(parts)) => Credentials::read(&parts.method, &parts.headers, self.database.tokens())?,
            (None, None) => return Err(Problem::MissingKey),
        };
        self.database.limits().admit(credentials.digest())?;
        Ok(Caller::new(self.database.clone(), credentials))
    }
}

#[tool_handler(router = self.tool_router)]
impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        let mut info = ServerConfig::default();
        info.capabilities = ServerCapabilities::builder().enable_tools().build();
        info.server_info = Implementation::new("pg_crm", env!("CARGO_PKG_VERSION"));
        info.instructions = Some(INSTRUCTIONS.to_owned());
        info
    }
}

/// What a tool found, or as an error the problem that the same request over HTTP would get, for the model to act upon.
fn answer(result: Result<Value, Problem>) -> CallToolResult {
    match result {
        Ok(value) => CallToolResult::success(vec![ContentBlock::text(value.to_string())]),
        Err(problem) => CallToolResult::error(vec![ContentBlock::text(problem.describe())]),
    }
}
