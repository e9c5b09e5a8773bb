//! How long a request may take: most are over in milliseconds, some read or write all of a venue's guests.

use std::time::Duration;

use axum::http::Method;

use crate::config::Config;

/// The routes that may take long, as they are matched.
const LONG: [(Method, &str); 12] = [
    (Method::GET, "/v1/consent-log/verify"),
    (Method::POST, "/v1/exports"),
    (Method::POST, "/v1/imports"),
    (Method::POST, "/v1/imports/{import}/check"),
    (Method::POST, "/v1/imports/{import}/undo"),
    (Method::POST, "/v1/retention/preview"),
    (Method::POST, "/v1/segments/preview"),
    (Method::POST, "/v1/segments/{segment}/refresh"),
    (Method::POST, "/v1/venues/{venue}/recompute"),
    (Method::POST, "/v1/venues/{venue}/repair"),
    (Method::POST, "/v1/venues/{venue}/settings-preview"),
    (Method::GET, "/v1/venues/{venue}/verify"),
];

#[derive(Clone, Copy)]
pub struct Patience {
    usual: Duration,
    long: Duration,
}

/// Goes with a request that may take longer than usual: its statements may, too.
#[derive(Clone, Copy, Debug)]
pub struct Long(pub Duration);

impl Patience {
    pub fn new(config: &Config) -> Self {
        Self { usual: config.request_timeout, long: config.long_request_timeout.max(config.request_timeout) }
    }

    pub fn usual(&self) -> Duration {
        self.usual
    }

    /// None for what is to be over as soon as usual.
    pub fn long(&self, method: &Method, route: &str) -> Option<Long> {
        let is_long = LONG.iter().any(|(known, path)| known == method && *path == route);
        is_long.then_some(Long(self.long))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_long_route_is_there() {
        let document = serde_json::to_value(crate::openapi::document()).unwrap();
        for (method, path) in LONG {
            let operation = &document["paths"][path][method.as_str().to_lowercase()];
            assert!(operation.is_object(), "{method} {path}");
        }
    }
}
