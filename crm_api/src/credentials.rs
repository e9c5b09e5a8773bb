//! Who is calling: `Authorization: Bearer <key>` (RFC 6750), or the cookie of a session that was opened with a key.

use std::fmt;

use axum::{
    extract::FromRequestParts,
    http::{
        HeaderMap, Method,
        header::{AUTHORIZATION, COOKIE},
        request::Parts,
    },
};
use sha2::{Digest, Sha256};

use crate::{
    database::Database,
    problem::Problem,
    routes::session,
    token::{Subject, Tokens},
};

/// A header that a page of another site cannot send with a form. Asked for where a cookie, which the browser adds
/// by itself, says who calls and the request changes something.
const CSRF_HEADER: &str = "x-crm-csrf";

/// SHA-256 of the caller's bearer key, token or session; none of them is kept. Whether the key is known is for
/// `crm.sign_in` to say.
#[derive(Clone)]
pub struct Credentials {
    digest: [u8; 32],
    /// Whom a token of the platform's identity provider names.
    subject: Option<Subject>,
}

impl Credentials {
    pub fn new(key: &str) -> Self {
        Self { digest: Sha256::digest(key).into(), subject: None }
    }

    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    pub fn subject(&self) -> Option<&Subject> {
        self.subject.as_ref()
    }

    /// What a request says of its caller.
    pub fn read(method: &Method, headers: &HeaderMap, tokens: Option<&Tokens>) -> Result<Self, Problem> {
        let mut given = headers.get_all(AUTHORIZATION).iter();
        let header = match (given.next(), given.next()) {
            (Some(header), None) => header,
            (None, _) => return of_session(method, headers),
            (Some(_), Some(_)) => return Err(Problem::MissingKey),
        };
        let value = header.to_str().map_err(|_| Problem::MissingKey)?;
        let key = match value.split_once(' ') {
            Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => key.trim(),
            _ => "",
        };
        match tokens {
            _ if key.is_empty() => Err(Problem::MissingKey),
            // A key has no dots, a token two.
            Some(tokens) if key.contains('.') => {
                Ok(Self { subject: Some(tokens.check(key)?), ..Self::new(key) })
            }
            _ => Ok(Self::new(key)),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials([redacted])")
    }
}

impl FromRequestParts<Database> for Credentials {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, database: &Database) -> Result<Self, Problem> {
        let credentials = Self::read(&parts.method, &parts.headers, database.tokens())?;
        database.limits().admit(credentials.digest())?;
        Ok(credentials)
    }
}

fn of_session(method: &Method, headers: &HeaderMap) -> Result<Credentials, Problem> {
    let token = session_token(headers).ok_or(Problem::MissingKey)?;
    if !method.is_safe() && !headers.contains_key(CSRF_HEADER) {
        return Err(Problem::MissingCsrfHeader);
    }
    Ok(Credentials::new(token))
}

/// The token in the session's cookie.
pub fn session_token(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
    cookies
        .flat_map(|header| header.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(session::COOKIE)?.strip_prefix('='))
        .filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_signs_in_but_changes_nothing_without_the_header() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "theme=dark; crm_session=abc".parse().unwrap());
        let read = of_session(&Method::GET, &headers).unwrap();
        assert_eq!(read.digest(), Credentials::new("abc").digest());
        let refused = of_session(&Method::DELETE, &headers);
        assert!(matches!(refused, Err(Problem::MissingCsrfHeader)));
        headers.append(CSRF_HEADER, "1".parse().unwrap());
        assert!(of_session(&Method::DELETE, &headers).is_ok());
        headers.remove(COOKIE);
        headers.append(COOKIE, "xcrm_session=abc; crm_session=".parse().unwrap());
        assert!(matches!(of_session(&Method::GET, &headers), Err(Problem::MissingKey)));
    }

    fn credentials(given: &[&str]) -> Result<Credentials, Problem> {
        let mut headers = HeaderMap::new();
        for header in given {
            headers.append(AUTHORIZATION, header.parse().unwrap());
        }
        Credentials::read(&Method::GET, &headers, None)
    }

    #[test]
    fn the_digest_is_sha256_of_the_key() {
        // SHA-256("abc"), FIPS 180-2 appendix B.1.
        let expected = [
            0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
            0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
        ];
        let found = credentials(&["bearer  abc"]).unwrap();
        assert_eq!(found.digest(), &expected);
    }

    #[test]
    fn a_header_without_one_bearer_key_is_refused() {
        for headers in [&[][..], &["Bearer"], &["Bearer "], &["Basic abc"], &["Bearer a", "Bearer b"]] {
            assert!(matches!(credentials(headers), Err(Problem::MissingKey)));
        }
    }

    #[test]
    fn debug_shows_no_digest() {
        assert_eq!(format!("{:?}", Credentials::new("abc")), "Credentials([redacted])");
    }
}
