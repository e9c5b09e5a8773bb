//! From a database error to a problem: SQLSTATE decides the status, the column name the parameter at fault.

use axum::http::StatusCode;
use tokio_postgres::error::DbError;

use crate::problem::Problem;

/// A request that the database refused for the caller's reasons: a 4xx. MESSAGE and HINT are for the caller;
/// DETAIL, which can quote stored rows, is never passed on.
#[derive(Debug)]
pub struct Refusal {
    pub status: StatusCode,
    pub sqlstate: String,
    pub detail: String,
    pub hint: Option<String>,
    /// The SQL parameter at fault, from the error's column name.
    pub parameter: Option<String>,
    /// The same as the request names it; see [`Problem::at`].
    pub pointer: Option<String>,
}

/// What of a database error matters here.
#[derive(Debug, Default)]
pub struct Report {
    pub sqlstate: String,
    pub message: String,
    pub hint: Option<String>,
    pub column: Option<String>,
}

impl From<&DbError> for Report {
    fn from(error: &DbError) -> Self {
        Self {
            sqlstate: error.code().code().to_owned(),
            message: error.message().to_owned(),
            hint: error.hint().map(str::to_owned),
            column: error.column().map(str::to_owned),
        }
    }
}

impl Report {
    /// The problem of an error raised while the caller's request ran.
    pub fn into_problem(self) -> Problem {
        match meaning(&self.sqlstate) {
            Meaning::Refused(status) => Problem::Refused(Box::new(Refusal {
                status,
                sqlstate: self.sqlstate,
                detail: self.message,
                hint: self.hint,
                parameter: self.column,
                pointer: None,
            })),
            Meaning::Unavailable => {
                Problem::Unavailable { sqlstate: Some(self.sqlstate), reason: self.message.into() }
            }
            Meaning::Internal => {
                Problem::Internal { sqlstate: Some(self.sqlstate), reason: self.message.into() }
            }
        }
    }

    /// The problem of an error raised before the caller's role was in force: apart from an unknown key it is
    /// the installation's fault, so a missing right here is not the caller's 403.
    pub fn into_sign_in_problem(self) -> Problem {
        match self.into_problem() {
            Problem::Refused(refusal) if refusal.status != StatusCode::UNAUTHORIZED => Problem::Internal {
                reason: format!("sign-in failed: {}", refusal.detail).into(),
                sqlstate: Some(refusal.sqlstate),
            },
            problem => problem,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    Refused(StatusCode),
    Unavailable,
    Internal,
}

/// Classes as in PostgreSQL's appendix A, Error Codes; CR… are the CRM's own.
fn meaning(sqlstate: &str) -> Meaning {
    use Meaning::{Internal, Refused, Unavailable};
    match sqlstate {
        "CR401" => Refused(StatusCode::UNAUTHORIZED),
        "42501" => Refused(StatusCode::FORBIDDEN),
        "CR404" => Refused(StatusCode::NOT_FOUND),
        // A unique key, an exclusion constraint.
        "CR409" | "CR425" | "23505" | "23P01" => Refused(StatusCode::CONFLICT),
        "CR412" => Refused(StatusCode::PRECONDITION_FAILED),
        // A check, a missing value, a reference to nothing.
        "CR422" | "23514" | "23502" | "23503" => Refused(StatusCode::UNPROCESSABLE_ENTITY),
        // Serialization failure, deadlock, lock not available; a cancel, as by statement_timeout; a standby;
        // no schema yet, or one that is being upgraded: undefined function, invalid schema name.
        "40001" | "40P01" | "55P03" | "57014" | "25006" | "CR503" | "42883" | "3F000" => Unavailable,
        _ => match sqlstate.get(..2) {
            Some("22") => Refused(StatusCode::BAD_REQUEST),
            // Connection, insufficient resources, operator intervention; sign-in to the database refused, no
            // such database.
            Some("08" | "53" | "57" | "28" | "3D") => Unavailable,
            _ => Internal,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{CONTENT_TYPE, RETRY_AFTER_SECONDS};
    use axum::{body::to_bytes, http::header, response::IntoResponse};
    use serde_json::{Value, json};

    fn report(sqlstate: &str) -> Report {
        Report {
            sqlstate: sqlstate.to_owned(),
            message: "what happened".to_owned(),
            hint: Some("what to do".to_owned()),
            column: Some("page_size".to_owned()),
        }
    }

    fn status(sqlstate: &str) -> u16 {
        report(sqlstate).into_problem().status().as_u16()
    }

    async fn body(problem: Problem) -> Value {
        let response = problem.into_response();
        assert_eq!(response.headers()[header::CONTENT_TYPE], CONTENT_TYPE);
        let bytes = to_bytes(response.into_body(), 10_000).await.unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn the_crms_own_codes_carry_their_status() {
        assert_eq!(status("CR401"), 401);
        assert_eq!(status("CR404"), 404);
        assert_eq!(status("CR409"), 409);
        assert_eq!(status("CR422"), 422);
        assert_eq!(status("CR503"), 503);
    }

    #[test]
    fn standard_codes_map_by_whose_fault_it_is() {
        for (sqlstate, expected) in [
            ("22023", 400),
            ("22P02", 400),
            ("22021", 400),
            ("42501", 403),
            ("23505", 409),
            ("23514", 422),
            ("40001", 503),
            ("40P01", 503),
            ("55P03", 503),
            ("57014", 503),
            ("57P01", 503),
            ("08006", 503),
            ("53300", 503),
            ("42883", 503),
            ("42P01", 500),
            ("P0001", 500),
            ("XX000", 500),
            ("", 500),
        ] {
            assert_eq!(status(sqlstate), expected, "{sqlstate}");
        }
    }

    #[tokio::test]
    async fn a_refusal_points_to_the_requests_own_parameter() {
        let problem =
            report("22023").into_problem().at(&[("after", "#/query/cursor"), ("page_size", "#/query/limit")]);
        let expected = json!({
            "type": "about:blank", "title": "Bad Request", "status": 400, "detail": "what happened",
            "code": "22023", "pointer": "#/query/limit", "hint": "what to do"
        });
        assert_eq!(body(problem).await, expected);
    }

    #[tokio::test]
    async fn a_column_that_is_no_parameter_gives_no_pointer() {
        let problem = report("23505").into_problem().at(&[("x", "#/query/x")]);
        assert_eq!(body(problem).await.get("pointer"), None);
    }

    #[tokio::test]
    async fn a_server_error_keeps_its_cause_to_itself() {
        for sqlstate in ["XX000", "57014"] {
            let text = body(report(sqlstate).into_problem()).await.to_string();
            assert!(!text.contains("what happened") && !text.contains("what to do"), "{text}");
        }
    }

    #[test]
    fn what_is_worth_another_try_says_when() {
        let response = report("40001").into_problem().into_response();
        assert_eq!(response.headers()[header::RETRY_AFTER], RETRY_AFTER_SECONDS.to_string());
    }

    #[test]
    fn only_an_unknown_key_is_the_callers_fault_at_sign_in() {
        let refused = report("CR401").into_sign_in_problem().into_response();
        assert_eq!(refused.status().as_u16(), 401);
        assert_eq!(
            refused.headers()[header::WWW_AUTHENTICATE],
            r#"Bearer realm="crm", error="invalid_token""#
        );
        assert_eq!(report("42501").into_sign_in_problem().status().as_u16(), 500);
    }
}
