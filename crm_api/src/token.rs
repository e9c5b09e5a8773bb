//! Tokens of the platform's identity provider: JWT (RFC 7519), checked here, and tied to a principal by the database.

use std::{collections::HashMap, fs, path::Path};

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    jwk::{AlgorithmParameters, JwkSet, KeyAlgorithm},
};
use serde_json::Value;

use crate::problem::Problem;

/// Seconds by which clocks may differ.
const LEEWAY: u64 = 30;

/// What the configuration says of tokens.
#[derive(Clone)]
pub struct TokenSettings {
    pub keys: TokenKeys,
    /// `iss` that a token must have.
    pub issuer: Option<String>,
    /// `aud` that a token must have.
    pub audience: Option<String>,
    /// Claim that holds the principal's subject.
    pub subject_claim: String,
    /// Claim that holds the platform's id of the organisation; the only organisation without it.
    pub organisation_claim: Option<String>,
}

#[derive(Clone)]
pub enum TokenKeys {
    /// For HS256.
    Secret(Vec<u8>),
    /// A JWKS file (RFC 7517).
    File(std::path::PathBuf),
}

/// Whom a token names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub organisation: Option<String>,
    pub subject: String,
}

pub struct Tokens {
    settings: TokenSettings,
    /// By key id, each with the one algorithm it is for: what the token's own header says is never taken for it.
    keys: HashMap<Option<String>, (Algorithm, DecodingKey)>,
}

impl Tokens {
    /// Reads the keys; an error names what is wrong, never a key.
    pub fn new(settings: TokenSettings) -> Result<Self, String> {
        let keys = match &settings.keys {
            TokenKeys::Secret(secret) => {
                HashMap::from([(None, (Algorithm::HS256, DecodingKey::from_secret(secret)))])
            }
            TokenKeys::File(path) => read_keys(path)?,
        };
        Ok(Self { settings, keys })
    }

    /// Whom a token names; 401 for one that is not valid here and now.
    pub fn check(&self, token: &str) -> Result<Subject, Problem> {
        let header = decode_header(token).map_err(|_| Problem::InvalidToken)?;
        let single = || self.keys.values().next().filter(|_| self.keys.len() == 1);
        let by_id = header.kid.is_some().then(|| self.keys.get(&header.kid)).flatten();
        let (algorithm, key) = by_id.or_else(single).ok_or(Problem::InvalidToken)?;
        let mut validation = Validation::new(*algorithm);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.required_spec_claims = ["exp".to_owned()].into();
        if let Some(issuer) = &self.settings.issuer {
            validation.set_issuer(&[issuer]);
            validation.required_spec_claims.insert("iss".to_owned());
        }
        match &self.settings.audience {
            Some(audience) => {
                validation.set_audience(&[audience]);
                validation.required_spec_claims.insert("aud".to_owned());
            }
            None => validation.validate_aud = false,
        }
        let claims = decode::<HashMap<String, Value>>(token, key, &validation)
            .map_err(|_| Problem::InvalidToken)?
            .claims;
        let text = |claim: &str| claims.get(claim).and_then(Value::as_str).map(str::to_owned);
        let organisation = match &self.settings.organisation_claim {
            Some(claim) => Some(text(claim).ok_or(Problem::InvalidToken)?),
            None => None,
        };
        let subject = text(&self.settings.subject_claim).ok_or(Problem::InvalidToken)?;
        Ok(Subject { organisation, subject })
    }
}

fn read_keys(path: &Path) -> Result<HashMap<Option<String>, (Algorithm, DecodingKey)>, String> {
    let text = fs::read(path).map_err(|error| format!("cannot read the JWKS file: {error}"))?;
    let set: JwkSet =
        serde_json::from_slice(&text).map_err(|error| format!("the JWKS file cannot be read: {error}"))?;
    let mut keys = HashMap::new();
    for key in &set.keys {
        let id = key.common.key_id.clone();
        let algorithm = match (key.common.key_algorithm, &key.algorithm) {
            (Some(KeyAlgorithm::RS256) | None, AlgorithmParameters::RSA(_)) => Algorithm::RS256,
            (Some(KeyAlgorithm::ES256) | None, AlgorithmParameters::EllipticCurve(_)) => Algorithm::ES256,
            (Some(KeyAlgorithm::EdDSA) | None, AlgorithmParameters::OctetKeyPair(_)) => Algorithm::EdDSA,
            (Some(KeyAlgorithm::HS256), AlgorithmParameters::OctetKey(_)) => Algorithm::HS256,
            _ => continue,
        };
        let decoding = DecodingKey::from_jwk(key)
            .map_err(|_| format!("the key {id:?} of the JWKS file is malformed"))?;
        if keys.insert(id.clone(), (algorithm, decoding)).is_some() {
            return Err(format!("the JWKS file has two keys {id:?}"));
        }
    }
    if keys.is_empty() {
        return Err("the JWKS file has no key for RS256, ES256, EdDSA or HS256".to_owned());
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
    use serde_json::json;

    const SECRET: &[u8] = b"a secret of at least thirty-two bytes";

    fn tokens() -> Tokens {
        Tokens::new(TokenSettings {
            keys: TokenKeys::Secret(SECRET.to_vec()),
            issuer: Some("https://id.example".to_owned()),
            audience: Some("crm".to_owned()),
            subject_claim: "sub".to_owned(),
            organisation_claim: Some("org".to_owned()),
        })
        .unwrap()
    }

    fn claims() -> Value {
        json!({"iss": "https://id.example", "aud": "crm", "sub": "ada", "org": "house", "exp": get_current_timestamp() + 60})
    }

    fn signed(algorithm: Algorithm, secret: &[u8], claims: &Value) -> String {
        encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret)).unwrap()
    }

    #[test]
    fn a_good_token_names_organisation_and_subject() {
        let named = tokens().check(&signed(Algorithm::HS256, SECRET, &claims())).unwrap();
        assert_eq!(named, Subject { organisation: Some("house".to_owned()), subject: "ada".to_owned() });
    }

    #[test]
    fn whatever_is_not_as_configured_is_refused() {
        let mut bad = vec![
            signed(Algorithm::HS256, b"another secret of thirty-two bytes!!", &claims()),
            signed(Algorithm::HS384, SECRET, &claims()),
            "a.b.c".to_owned(),
        ];
        for (claim, value) in [
            ("iss", json!("https://evil.example")),
            ("iss", Value::Null),
            ("aud", json!("shop")),
            ("aud", Value::Null),
            ("exp", json!(get_current_timestamp() - 120)),
            ("exp", Value::Null),
            ("nbf", json!(get_current_timestamp() + 600)),
            ("sub", json!(7)),
            ("org", Value::Null),
        ] {
            let mut claims = claims();
            claims[claim] = value.clone();
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(claim);
            }
            bad.push(signed(Algorithm::HS256, SECRET, &claims));
        }
        // Unsigned: alg none, with and without a signature of nothing.
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        for signature in ["", "AA"] {
            bad.push(format!(
                "{}.{}.{signature}",
                part(json!({"alg": "none", "typ": "JWT"})),
                part(claims())
            ));
        }
        for token in bad {
            assert!(matches!(tokens().check(&token), Err(Problem::InvalidToken)), "{token}");
        }
    }
}
