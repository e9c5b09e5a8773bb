//! The server: layers around the routes, listening, stopping.

use std::{any::Any, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state, map_response},
    response::{IntoResponse, Response},
};
use tokio::{net::TcpListener, signal::unix::SignalKind, sync::Semaphore};
use tower_http::catch_panic::CatchPanicLayer;
use tracing_subscriber::{Layer, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    config::Config,
    database::Database,
    docs, jobs, limits, mail, mcp,
    metrics::{self, Metrics},
    observe,
    patience::Patience,
    problem::{self, Problem},
    public, routes,
};

/// Serves until SIGTERM or SIGINT, then lets running requests end, for one request timeout at most.
///
/// Starts without a database too: `/readyz` says when there is one. Ends with an error when that has a schema of another
/// version than this build knows.
pub async fn serve(config: Config) -> Result<(), String> {
    // Records of the `log` crate are not taken in: the database driver writes parameter values there.
    tracing_subscriber::registry()
        .with(tracing_subscriber::fmt::layer().json().flatten_event(true).with_filter(config.log.clone()))
        .init();

    let database = Database::new(&config)?;
    let metrics = Arc::new(Metrics::new());
    let app =
        app(database.clone(), &config, metrics.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", config.listen))?;
    tracing::info!(?config, "listening");

    let (stopping, stopped) = tokio::sync::watch::channel(false);
    let jobs = config.jobs.map(|jobs| tokio::spawn(jobs::run(jobs, stopped.clone())));
    let mails =
        config.mail.map(|mail| tokio::spawn(mail::run(mail, database.clone(), metrics, stopped.clone())));
    let mut stopped_too = stopped.clone();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        wait_for_signal().await;
        tracing::info!("stopping");
        stopping.send_replace(true);
    });
    let patience = async {
        // An error means that the server ended without a signal; then it is the other branch that ends.
        match stopped_too.wait_for(|stopped| *stopped).await {
            Ok(_) => tokio::time::sleep(config.request_timeout).await,
            Err(_) => std::future::pending().await,
        }
    };
    let refusal = async {
        match database.wait_for_schema().await {
            Ok(()) => std::future::pending().await,
            Err(reason) => reason,
        }
    };
    tokio::select! {
        refused = refusal => return Err(refused),
        result = server => result.map_err(|error| format!("server failed: {error}"))?,
        () = patience => tracing::warn!("requests still running were cut off"),
    }
    for (what, worker) in [("jobs", jobs), ("mails", mails)] {
        if let Some(worker) = worker
            && let Err(error) = worker.await
        {
            return Err(format!("the {what} failed: {error}"));
        }
    }
    tracing::info!("stopped");
    Ok(())
}

/// All routes with the layers every request passes; the last layer here is the outermost.
fn app(database: Database, config: &Config, metrics: Arc<Metrics>) -> Router {
    let room = Arc::new(Semaphore::new(config.max_requests));
    let limited = |router: Router| {
        router
            .layer(from_fn_with_state(Patience::new(config), observe::limit_time))
            .layer(from_fn_with_state(room.clone(), limits::limit_crowd))
    };
    let api = routes::router(database.clone())
        .nest_service("/mcp", mcp::service(database.clone()))
        .merge(docs::router());
    limited(api)
        .nest("/public", limited(public::router(database.clone(), config)).layer(from_fn(public::for_people)))
        .merge(metrics::router(metrics.clone(), database))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(map_response(problem::ensure))
        .layer(from_fn_with_state(metrics, observe::observe))
}

fn panicked(_: Box<dyn Any + Send>) -> Response {
    Problem::Internal { sqlstate: None, reason: "a handler panicked".into() }.into_response()
}

async fn wait_for_signal() {
    let signal = |kind| tokio::signal::unix::signal(kind).expect("signals can be watched");
    let mut terminate = signal(SignalKind::terminate());
    let mut interrupt = signal(SignalKind::interrupt());
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
