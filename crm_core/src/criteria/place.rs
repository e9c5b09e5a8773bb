//! Where in a document a walk stands.

use std::fmt;

/// A JSON pointer (RFC 6901) that follows a walk.
#[derive(Clone, Debug, Default)]
pub(super) struct Place(String);

impl Place {
    pub(super) fn at(pointer: &str) -> Self {
        Self(pointer.to_owned())
    }

    pub(super) fn pointer(&self) -> &str {
        &self.0
    }

    /// The pointer of a member of the object here.
    pub(super) fn of_key(&self, key: &str) -> String {
        format!("{}/{}", self.0, key.replace('~', "~0").replace('/', "~1"))
    }

    /// One step further in; returns what [`Self::leave`] takes to step back.
    pub(super) fn enter(&mut self, step: impl fmt::Display) -> usize {
        let length = self.0.len();
        self.0 = self.of_key(&step.to_string());
        length
    }

    pub(super) fn leave(&mut self, length: usize) {
        self.0.truncate(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_escapes_slash_and_tilde() {
        // RFC 6901, section 5: the key "a/b" is /a~1b, the key "m~n" is /m~0n.
        let mut place = Place::default();
        assert_eq!(place.of_key("a/b"), "/a~1b");
        let outside = place.enter("m~n");
        assert_eq!(place.pointer(), "/m~0n");
        place.leave(outside);
        assert_eq!(place.pointer(), "");
    }
}
