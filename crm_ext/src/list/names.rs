//! Guests by name: one walk over all labels, as an index in the order of names holds them side by side.

use std::collections::HashSet;

use pgrx::pg_sys::panic::ErrorReport;

use super::query::Value;
use super::streams::{FREQUENT, Step, budget, next_walk};
use super::{Guest, Place, Request, uuids};

/// Rows walked first where something is filtered.
const FIRST_WALK: usize = 400;
const FIRST_WALK_OF_SEARCH: usize = 2400;
/// Guests looked up otherwise at most; their names are sorted.
const MOST_FOUND: usize = 1500;
const MOST_FOUND_BY_TEXT: usize = 20_000;

impl Request {
    /// The first guests of the page.
    pub(super) fn names(&self, unlisted: &HashSet<Guest>) -> Result<Vec<Guest>, ErrorReport> {
        let search = self.shape.search;
        let filters = self.filters();
        let all_labels = self.labels.len() >= ALL_LABELS;
        let filtered = search || self.shape.exact_days || !filters.is_empty() || !all_labels;
        let mut walk = match (filtered, search) {
            (false, _) => self.page_size + unlisted.len().min(self.page_size),
            (true, false) => FIRST_WALK.max(self.page_size),
            (true, true) => FIRST_WALK_OF_SEARCH,
        };
        let mut place = self.after.values(self.shape.sort);
        let mut guests: Vec<Guest> = Vec::new();
        let mut looked = false;
        loop {
            let own: Vec<Value> = std::iter::once(budget(walk)).chain(place).collect();
            let mut next = None;
            self.run(&self.shape.walk_names(), &own, |row| {
                let Some(step) = Step::read(row, self.shape.sort) else {
                    return;
                };
                if step.passes && !unlisted.contains(&step.found.guest) {
                    guests.push(step.found.guest);
                }
                if step.step == walk {
                    next = Some(Place::Name {
                        unnamed: row.get::<bool>(6).unwrap_or(false),
                        name: row.get::<String>(7).unwrap_or_default(),
                        guest: step.found.guest,
                    });
                }
            })?;
            let Some(next) = next.filter(|_| guests.len() < self.page_size) else {
                return Ok(guests);
            };
            // Where few are found on the way, all of them may be found otherwise.
            if filtered && !looked && !(search && guests.len() * FREQUENT >= walk) {
                looked = true;
                if let Some(mut others) = self.looked_up(&filters)? {
                    others.retain(|guest| !unlisted.contains(guest));
                    return self.sorted_by_name(&others);
                }
            }
            place = next.values(self.shape.sort);
            walk = next_walk(walk, guests.len(), self.page_size);
        }
    }

    /// All who pass the filters, where a text or the range of a filter finds few enough.
    fn looked_up(&self, filters: &[super::Sort]) -> Result<Option<Vec<Guest>>, ErrorReport> {
        let ended = |steps: &[Step], most: usize| steps.iter().all(|step| step.step < most);
        let passing = |steps: Vec<Step>| {
            steps.into_iter().filter(|step| step.passes).map(|step| step.found.guest).collect()
        };
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
    pub(super) fn sorted_by_name(&self, guests: &[Guest]) -> Result<Vec<Guest>, ErrorReport> {
        let own: Vec<Value> = std::iter::once(budget(self.page_size))
            .chain(self.after.values(self.shape.sort))
            .chain([uuids(guests.iter())])
            .collect();
        let steps = self.steps(&self.shape.sort_names(), &own)?;
        Ok(steps.into_iter().map(|step| step.found.guest).collect())
    }
}

/// The seven and none.
const ALL_LABELS: usize = 8;
