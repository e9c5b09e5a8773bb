//! The key of the keyed hashes, and the hashes: of addresses that are never written to again, and tokens in mails.

use std::cell::RefCell;
use std::ffi::CString;

use hmac::{Hmac, KeyInit, Mac};
use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi::OwnedPreparedStatement;
use sha2::{Digest, Sha256};

use crate::plan::{internal, kept};

static KEY_FILE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);

thread_local! {
    static READ_SECRET: RefCell<Option<OwnedPreparedStatement>> = const { RefCell::new(None) };
}

pub(crate) fn define_setting() {
    GucRegistry::define_string_guc(
        c"crm.key_file",
        c"File with the key of pg_crm's keyed hashes, outside the database.",
        c"32 bytes, or 64 hexadecimal digits; empty where crm.secret holds the key.",
        &KEY_FILE,
        GucContext::Sighup,
        GucFlags::SUPERUSER_ONLY,
    );
}

fn key_file() -> Option<String> {
    KEY_FILE.get().and_then(|path| path.into_string().ok()).filter(|path| !path.is_empty())
}

fn from_file(path: &str) -> Option<Vec<u8>> {
    let content = std::fs::read(path).ok()?;
    if content.len() == 32 {
        return Some(content);
    }
    let digits = content.trim_ascii();
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    (0..32)
        .map(|n| u8::from_str_radix(std::str::from_utf8(&digits[2 * n..2 * n + 2]).ok()?, 16).ok())
        .collect()
}

/// The key, where it is the one that was used so far.
fn key() -> Result<Option<Vec<u8>>, ErrorReport> {
    let (stored, proof) = Spi::connect_mut(|client| {
        READ_SECRET.with_borrow_mut(|plan| {
            let plan = kept(plan, client, "SELECT s.value, s.proof FROM crm.secret AS s", &[])?;
            let rows = client.select(plan, Some(1), &[]).map_err(internal)?;
            if rows.is_empty() {
                return Ok((None, None));
            }
            rows.first().get_two::<Vec<u8>, Vec<u8>>().map_err(internal)
        })
    })?;
    let key = match key_file() {
        Some(path) => from_file(&path),
        None => stored,
    };
    Ok(key.filter(|key| {
        let mut proven = Sha256::new();
        proven.update(b"proof");
        proven.update(key);
        proof.as_deref() == Some(proven.finalize().as_slice())
    }))
}

#[pg_extern(schema = "crm", stable, strict, parallel_unsafe)]
fn keyed_hash(text: &str) -> Result<Option<Vec<u8>>, ErrorReport> {
    Ok(key()?.map(|key| {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of any length");
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }))
}
