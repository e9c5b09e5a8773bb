//! What Prometheus scrapes. Labels name routes by their templates, so that they hold nothing personal.

use std::{fmt::Write, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};

use crate::database::Database;

/// Upper bounds of the latencies counted, in seconds.
const BOUNDS: [f64; 10] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Request {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Route {
    method: String,
    route: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Mail {
    outcome: &'static str,
}

pub struct Metrics {
    registry: Registry,
    mails: Family<Mail, Counter>,
    requests: Family<Request, Counter>,
    durations: Family<Route, Histogram>,
}

impl Metrics {
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("crm");
        let requests = Family::default();
        let durations = Family::new_with_constructor((|| Histogram::new(BOUNDS)) as fn() -> Histogram);
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "Time to the answer",
            Unit::Seconds,
            durations.clone(),
        );
        let mails = Family::default();
        registry.register(
            "mails",
            "Mails tried, by what became of them: sent, refused for good, failed",
            mails.clone(),
        );
        Self { registry, mails, requests, durations }
    }

    /// Counts a mail that was tried.
    pub fn mailed(&self, outcome: &'static str) {
        self.mails.get_or_create(&Mail { outcome }).inc();
    }

    /// Counts a request that was answered.
    pub fn answered(&self, method: &str, route: &str, status: u16, time: Duration) {
        let (method, route) = (method.to_owned(), route.to_owned());
        self.durations
            .get_or_create(&Route { method: method.clone(), route: route.clone() })
            .observe(time.as_secs_f64());
        self.requests.get_or_create(&Request { method, route, status }).inc();
    }
}

/// `GET /metrics`, not a part of the documented interface.
pub fn router<S: Clone + Send + Sync + 'static>(metrics: Arc<Metrics>, database: Database) -> Router<S> {
    Router::new().route("/metrics", get(expose)).with_state((metrics, database))
}

async fn expose(State((metrics, database)): State<(Arc<Metrics>, Database)>) -> Response {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = encode(&mut text, &metrics.registry);
    let text = text.trim_end().trim_end_matches("# EOF").to_owned();
    let body = format!("{text}\n{}# EOF\n", figures_of(&database).await);
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], body)
        .into_response()
}

/// Figures of the pool and, where it answers, of the database.
async fn figures_of(database: &Database) -> String {
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, values: &[(&str, f64)]| {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in values {
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    };
    let pool = database.pool_status();
    gauge(
        "crm_pool_connections",
        "Connections to the database",
        &[(r#"{state="open"}"#, pool.size as f64), (r#"{state="idle"}"#, pool.available as f64)],
    );
    gauge("crm_pool_waiting", "Requests that wait for a connection", &[("", pool.waiting as f64)]);
    match database.figures().await {
        Ok(figures) => {
            gauge("crm_database_up", "Whether the database answers", &[("", 1.0)]);
            gauge(
                "crm_health_findings",
                "Findings of crm.health()",
                &[
                    (r#"{severity="error"}"#, figures.errors as f64),
                    (r#"{severity="warning"}"#, figures.warnings as f64),
                ],
            );
            gauge(
                "crm_outbox_rows",
                "Events that wait in crm.outbox, counted up to 100,000",
                &[("", figures.outbox as f64)],
            );
        }
        Err(_) => gauge("crm_database_up", "Whether the database answers", &[("", 0.0)]),
    }
    text
}
