//! Who opens a page: from where, with what, in which language.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, HeaderName, header, request::Parts},
};

use super::{Pages, words::Words};
use crate::problem::Problem;

/// Counted against the limit of his address when he is extracted.
pub struct Visitor {
    pub address: IpAddr,
    pub user_agent: Option<String>,
    /// The language chosen on a page.
    pub chosen: Option<&'static Words>,
    /// The one the browser asks for.
    pub accepted: Option<&'static Words>,
}

impl FromRequestParts<Pages> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, pages: &Pages) -> Result<Self, Problem> {
        let ConnectInfo(peer) = ConnectInfo::<SocketAddr>::from_request_parts(parts, pages)
            .await
            .map_err(|error| Problem::Internal { sqlstate: None, reason: error.to_string().into() })?;
        let address = address_of(&parts.headers, pages.address_header.as_ref(), peer.ip());
        pages.limits.admit(&network_of(address))?;
        let user_agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self {
            address,
            user_agent: user_agent.map(str::to_owned),
            chosen: chosen_language(parts.uri.query()),
            accepted: accepted_language(&parts.headers),
        })
    }
}

/// The language chosen on a page, else the one the browser asks for.
pub fn wanted_language(headers: &HeaderMap, query: Option<&str>) -> Option<&'static Words> {
    chosen_language(query).or_else(|| accepted_language(headers))
}

fn chosen_language(query: Option<&str>) -> Option<&'static Words> {
    form_urlencoded::parse(query?.as_bytes())
        .find(|(name, _)| name == "lang")
        .and_then(|(_, tag)| Words::of(&tag))
}

fn accepted_language(headers: &HeaderMap) -> Option<&'static Words> {
    headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok().and_then(Words::accepted)
}

/// The peer, or the last entry of the header that a proxy in front of the service writes: those before it are the client's own
/// word.
fn address_of(headers: &HeaderMap, told_by: Option<&HeaderName>, peer: IpAddr) -> IpAddr {
    told_by
        .and_then(|name| {
            headers.get_all(name).iter().next_back()?.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
        })
        .unwrap_or(peer)
        .to_canonical()
}

/// What is counted as one visitor: an IPv4 address, or a /64, of which one household has all.
fn network_of(address: IpAddr) -> [u8; 32] {
    let mut network = [0; 32];
    match address {
        IpAddr::V4(address) => network[..4].copy_from_slice(&address.octets()),
        IpAddr::V6(address) => {
            network[..8].copy_from_slice(&address.octets()[..8]);
            network[31] = 6;
        }
    }
    network
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(values: &[&str], told: bool) -> String {
        let name = HeaderName::from_static("x-forwarded-for");
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(&name, value.parse().unwrap());
        }
        address_of(&headers, told.then_some(&name), "192.0.2.1".parse().unwrap()).to_string()
    }

    #[test]
    fn only_the_proxys_own_entry_is_believed() {
        assert_eq!(address(&["198.51.100.9"], false), "192.0.2.1");
        assert_eq!(address(&["203.0.113.5, 198.51.100.9"], true), "198.51.100.9");
        assert_eq!(address(&["203.0.113.5", "::ffff:198.51.100.9"], true), "198.51.100.9");
        assert_eq!(address(&["unknown"], true), "192.0.2.1");
        assert_eq!(address(&[], true), "192.0.2.1");
    }

    #[test]
    fn a_household_of_ipv6_is_one_visitor() {
        let network = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }
}
