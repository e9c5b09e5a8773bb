//! The one key type: any host identifier becomes a UUID without a look-up table.

use uuid::Uuid;

/// Namespace of the UUIDv5 keys. It must never change: every stored key depends on it.
pub const NAMESPACE: Uuid = Uuid::from_u128(0x6f1d_9c1e_6a0b_5d3f_9f57_7067_5f63_726d);

/// The key of a host identifier.
///
/// A text in the canonical lower-case form of a UUID is that UUID; any other text is its UUIDv5
/// (RFC 9562, section 5.5) in [`NAMESPACE`].
pub fn key(reference: &str) -> Uuid {
    canonical_uuid(reference).unwrap_or_else(|| Uuid::new_v5(&NAMESPACE, reference.as_bytes()))
}

fn canonical_uuid(text: &str) -> Option<Uuid> {
    let canonical_shape = text.len() == 36
        && text.bytes().enumerate().all(|(position, byte)| match position {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        });
    canonical_shape.then(|| Uuid::try_parse(text).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canonical_uuid_is_its_own_key() {
        let text = "018f3c2e-7d41-7b8a-9c11-0242ac120002";
        assert_eq!(key(text).to_string(), text);
    }

    #[test]
    fn upper_case_braces_and_bare_hex_are_texts_not_uuids() {
        let text = "018f3c2e-7d41-7b8a-9c11-0242ac120002";
        for other in
            [text.to_uppercase(), format!("{{{text}}}"), text.replace('-', ""), format!("urn:uuid:{text}")]
        {
            assert_ne!(key(&other).to_string(), text);
            assert_eq!(key(&other).get_version_num(), 5);
        }
    }

    #[test]
    fn a_key_is_the_version_5_uuid_of_the_reference() {
        // Computed with Python: uuid.uuid5(uuid.UUID('6f1d9c1e-6a0b-5d3f-9f57-70675f63726d'), '42')
        assert_eq!(key("42").to_string(), PYTHON_UUID5_OF_42);
        assert_eq!(key("").to_string(), PYTHON_UUID5_OF_EMPTY);
    }

    const PYTHON_UUID5_OF_42: &str = "8380e8f4-f9df-50cb-846c-a01f163aef1e";
    const PYTHON_UUID5_OF_EMPTY: &str = "5aa7ddf8-3297-5d95-80db-44e567a37584";
}
