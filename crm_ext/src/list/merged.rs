//! One walk over all labels asked for, merged in the order of the sort: pages that nothing is filtered out of, and all by name,
//! whose order only the database knows.

use std::collections::HashSet;

use pgrx::pg_sys::panic::ErrorReport;

use super::query::{Row, Value};
use super::streams::{FIRST_WALK_OF_SEARCH, FREQUENT, Found, Step, budget, next_walk};
use super::{Guest, Place, Request, Sort, uuids};

/// Rows walked first where something is filtered.
const FIRST_WALK: usize = 400;
/// Guests looked up otherwise at most; their names are sorted.
const MOST_FOUND: usize = 1500;
const MOST_FOUND_BY_TEXT: usize = 20_000;

impl Request {
    /// The first guests of the page.
    pub(super) fn merged(&self, unlisted: &HashSet<Guest>) -> Result<Vec<Found>, ErrorReport> {
        let search = self.shape.search;
        let filters = self.filters();
        let filtered = self.is_filtered();
        let mut walk = match (filtered, search) {
            (false, _) => self.page_size + unlisted.len().min(self.page_size),
            (true, false) => FIRST_WALK.max(self.page_size),
            (true, true) => FIRST_WALK_OF_SEARCH,
        };
        let text = self.shape.merged(self.labels.len(), filtered);
        let mut place = self.after.values(self.shape.sort);
        let mut guests: Vec<Found> = Vec::new();
        let mut looked = false;
        loop {
            let own: Vec<Value> = std::iter::once(budget(walk)).chain(place).collect();
            let mut next = None;
            self.run(&text, &own, |row| {
                let Some(step) = Step::read(row, self.shape.sort) else {
                    return;
                };
                if step.passes && !unlisted.contains(&step.found.guest) {
                    guests.push(step.found);
                }
                if step.step == walk {
                    next = Some(self.place_of(row, step.found));
                }
            })?;
            let Some(next) = next.filter(|_| guests.len() < self.page_size) else {
                return Ok(guests);
            };
            // Where few are found on the way, all of them may be found otherwise.
            if filtered && !looked && !(search && guests.len() * FREQUENT >= walk) {
                looked = true;
                if let Some(mut others) = self.looked_up(&filters)? {
                    others.retain(|found| !unlisted.contains(&found.guest));
                    return self.sorted_by_name(&others);
                }
            }
            place = next.values(self.shape.sort);
            walk = next_walk(walk, guests.len(), self.page_size);
        }
    }

    /// Where a walk ended.
    fn place_of(&self, row: &Row, found: Found) -> Place {
        if self.shape.sort == Sort::Name {
            Place::Name {
                unnamed: row.get::<bool>(6).unwrap_or(false),
                name: row.get::<String>(7).unwrap_or_default(),
                guest: found.guest,
            }
        } else {
            Place::Number { key: found.key, guest: found.guest }
        }
    }

    /// All who pass the filters, where a text or the range of a filter finds few enough.
    fn looked_up(&self, filters: &[super::Sort]) -> Result<Option<Vec<Found>>, ErrorReport> {
        let ended = |steps: &[Step], most: usize| steps.iter().all(|step| step.step < most);
        let passing =
            |steps: Vec<Step>| steps.into_iter().filter(|step| step.passes).map(|step| step.found).collect();
        if self.shape.search {
            let steps = self.steps(&self.shape.find(self.of_organisation), &[budget(MOST_FOUND_BY_TEXT)])?;
            if ended(&steps, MOST_FOUND_BY_TEXT) {
                return Ok(Some(passing(steps)));
            }
        }
        let most = MOST_FOUND / self.labels.len().max(1);
        for filter in filters {
            let range = self.range(*filter);
            let own = [
                budget(most),
                Value::number(filter.type_oid(), range.low),
                Value::of(self.labels.clone()),
                Value::number(filter.type_oid(), range.high),
            ];
            let steps = self.steps(&self.shape.probe(*filter), &own)?;
            if ended(&steps, most) {
                return Ok(Some(passing(steps)));
            }
        }
        Ok(None)
    }

    /// A page of guests in the order of their names.
    pub(super) fn sorted_by_name(&self, guests: &[Found]) -> Result<Vec<Found>, ErrorReport> {
        let own: Vec<Value> = std::iter::once(budget(self.page_size))
            .chain(self.after.values(self.shape.sort))
            .chain([uuids(guests.iter().map(|found| &found.guest))])
            .collect();
        let steps = self.steps(&self.shape.sort_names(), &own)?;
        Ok(steps.into_iter().map(|step| step.found).collect())
    }
}
