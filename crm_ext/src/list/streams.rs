//! Labels walked side by side.

use std::collections::HashSet;

use pgrx::datum::Uuid;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;

use super::query::{Row, Value};
use super::{FIRST, Guest, LAST, Place, Request, Sort, uuids};

/// Rows walked first, of all labels; enough of a search to tell how frequent its text is.
const FIRST_WALK: usize = 800;
pub(super) const FIRST_WALK_OF_SEARCH: usize = 800;
/// Rows looked up at once by the range of a filter, in each label, and by a text.
const FIRST_PROBE: usize = 100;
const MOST_PROBED: usize = 6400;
const MOST_FOUND: usize = 3000;
/// One of so many walked must be found for a search to go on walking rather than look the text up.
pub(super) const FREQUENT: usize = 300;

/// A guest who passes all filters.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub(super) key: i64,
    pub(super) guest: Guest,
}

impl Found {
    pub(super) fn read(row: &Row, sort: Sort) -> Option<Self> {
        let key = if sort == Sort::Name { 0 } else { row.number(3, sort.type_oid()) };
        row.get::<Uuid>(2).map(|guest| Self { key, guest: *guest.as_bytes() })
    }

    /// What comes first in the list is least.
    pub(super) fn position(&self, descending: bool) -> (i64, Guest) {
        if descending { (!self.key, self.guest.map(|byte| !byte)) } else { (self.key, self.guest) }
    }
}

/// A row of a statement that reads up to a limit.
pub(super) struct Step {
    pub(super) stream: usize,
    pub(super) found: Found,
    pub(super) passes: bool,
    pub(super) step: usize,
}

impl Step {
    pub(super) fn read(row: &Row, sort: Sort) -> Option<Self> {
        let count = |column| usize::try_from(row.get::<i64>(column).unwrap_or(0)).unwrap_or(0);
        Some(Self {
            stream: count(1).saturating_sub(1),
            found: Found::read(row, sort)?,
            passes: row.get::<bool>(4).unwrap_or(false),
            step: count(5),
        })
    }
}

/// The guests of a label, known up to a place.
struct Stream {
    label: i16,
    walked_to: Found,
    ended: bool,
}

pub(super) struct Streams<'a> {
    request: &'a Request,
    unlisted: &'a HashSet<Guest>,
    streams: Vec<Stream>,
    met: HashSet<Guest>,
    found: Vec<Found>,
    /// Where each walk ends, a bound of the sort's own range.
    limit: i64,
}

impl<'a> Streams<'a> {
    pub(super) fn new(request: &'a Request, unlisted: &'a HashSet<Guest>) -> Self {
        let range = request.range(request.shape.sort);
        let descending = request.shape.descending;
        let (edge, limit) = if descending { (range.high, range.low) } else { (range.low, range.high) };
        let mut start = Found { key: edge, guest: if descending { LAST } else { FIRST } };
        if let Place::Number { key, guest } = &request.after {
            let after = Found { key: *key, guest: *guest };
            if after.position(descending) > start.position(descending) {
                start = after;
            }
        }
        let streams = request
            .labels
            .iter()
            .map(|label| Stream { label: *label, walked_to: start, ended: false })
            .collect();
        Self { request, unlisted, streams, met: HashSet::new(), found: Vec::new(), limit }
    }

    /// The first guests of the page, those it would be full with.
    pub(super) fn read(mut self) -> Result<Vec<Found>, ErrorReport> {
        let search = self.request.shape.search;
        let filters = self.request.filters();
        let page = self.request.page_size;
        let first = if search { FIRST_WALK_OF_SEARCH } else { FIRST_WALK };
        let mut walk = (first / self.streams.len().max(1)).max(20);
        let (mut probe, mut looked_up) = (FIRST_PROBE, false);
        loop {
            let open = self.open();
            if open.is_empty() {
                break;
            }
            let walked = walk * open.len();
            self.walk(&open, walk)?;
            if self.open().is_empty() {
                break;
            }
            if probe <= MOST_PROBED {
                for filter in &filters {
                    let open = self.open();
                    if !open.is_empty() {
                        self.probe(&open, *filter, probe)?;
                    }
                }
                probe *= 4;
            }
            if search && !looked_up && self.found.len() * FREQUENT < walked && !self.open().is_empty() {
                looked_up = true;
                if self.look_up()? {
                    break;
                }
            }
            walk = next_walk(walk, self.found.len(), page);
        }
        self.sort();
        Ok(self.found)
    }

    fn sort(&mut self) {
        let descending = self.request.shape.descending;
        self.found.sort_unstable_by_key(|found| found.position(descending));
    }

    /// The streams that could still yield somebody for the page.
    fn open(&mut self) -> Vec<usize> {
        self.sort();
        let descending = self.request.shape.descending;
        let last = self.found.get(self.request.page_size - 1).map(|found| found.position(descending));
        (0..self.streams.len())
            .filter(|place| {
                let stream = &self.streams[*place];
                !stream.ended && last.is_none_or(|last| stream.walked_to.position(descending) < last)
            })
            .collect()
    }

    fn take(&mut self, found: Found) {
        if !self.unlisted.contains(&found.guest) && self.met.insert(found.guest) {
            self.found.push(found);
        }
    }

    fn labels(&self, open: &[usize]) -> Value {
        Value::of(open.iter().map(|place| self.streams[*place].label).collect::<Vec<i16>>())
    }

    fn walk(&mut self, open: &[usize], most: usize) -> Result<(), ErrorReport> {
        let sort = self.request.shape.sort;
        let own = [
            budget(most),
            Value::number(sort.type_oid(), self.limit),
            self.labels(open),
            Value::numbers(sort.type_oid(), open.iter().map(|place| self.streams[*place].walked_to.key)),
            uuids(open.iter().map(|place| &self.streams[*place].walked_to.guest)),
        ];
        let steps = self.request.steps(&self.request.shape.walk(), &own)?;
        for place in open {
            self.streams[*place].ended = true;
        }
        for step in steps {
            if step.step == most {
                let stream = &mut self.streams[open[step.stream]];
                stream.ended = false;
                stream.walked_to = step.found;
            }
            if step.passes {
                self.take(step.found);
            }
        }
        Ok(())
    }

    /// Looks up the guests in the range of a filter: where there are fewer than the limit, the label is known.
    fn probe(&mut self, open: &[usize], filter: Sort, most: usize) -> Result<(), ErrorReport> {
        let range = self.request.range(filter);
        let own = [
            budget(most),
            Value::number(filter.type_oid(), range.low),
            self.labels(open),
            Value::number(filter.type_oid(), range.high),
        ];
        let cut = self.look(&self.request.shape.probe(filter), &own, most)?;
        for (number, place) in open.iter().enumerate() {
            self.streams[*place].ended |= !cut.contains(&number);
        }
        Ok(())
    }

    /// Looks up the guests of the text: where there are fewer than the limit, all are known.
    fn look_up(&mut self) -> Result<bool, ErrorReport> {
        let text = self.request.shape.find(self.request.of_organisation);
        Ok(self.look(&text, &[budget(MOST_FOUND)], MOST_FOUND)?.is_empty())
    }

    /// Takes the guests of each stream that was read to its end; returns those that were not.
    fn look(&mut self, text: &str, own: &[Value], most: usize) -> Result<HashSet<usize>, ErrorReport> {
        let steps = self.request.steps(text, own)?;
        let cut: HashSet<usize> =
            steps.iter().filter(|step| step.step == most).map(|step| step.stream).collect();
        let range = self.request.range(self.request.shape.sort);
        for step in steps.iter().filter(|step| step.passes && !cut.contains(&step.stream)) {
            if (range.low..=range.high).contains(&step.found.key) && self.request.is_behind(step.found) {
                self.take(step.found);
            }
        }
        Ok(cut)
    }
}

/// Half as much again as the page seems to lack, at least once and at most four times as much as before.
pub(super) fn next_walk(walk: usize, found: usize, page: usize) -> usize {
    let lacking = page.saturating_sub(found) * 3 / 2;
    walk.saturating_mul(lacking / found.max(1)).clamp(walk, walk.saturating_mul(4)).min(1 << 20)
}

pub(super) fn budget(most: usize) -> Value {
    Value::number(pg_sys::INT8OID, i64::try_from(most).unwrap_or(i64::MAX))
}
