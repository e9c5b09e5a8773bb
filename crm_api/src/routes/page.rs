//! One page of a list.

use serde::Serialize;
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Goes back in as `cursor` for the next page; null on the last.
    #[schema(required, example = "eyJ2IjoiMjAyNi0wMy0wMSJ9")]
    pub next_cursor: Option<String>,
}
