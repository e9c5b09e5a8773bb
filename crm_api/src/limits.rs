//! How much one caller, and all together, may ask at a time.

use std::{num::NonZeroU32, sync::Arc};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use tokio::sync::Semaphore;

use crate::problem::Problem;

/// Callers remembered before those who have not called for a while are forgotten.
const MANY_CALLERS: usize = 10_000;

/// Requests per caller: so many a second, twice as many at once after a pause.
pub struct Limits {
    limiter: DefaultKeyedRateLimiter<[u8; 32]>,
    clock: DefaultClock,
}

impl Limits {
    pub fn new(per_second: NonZeroU32) -> Self {
        Self::of(Quota::per_second(per_second).allow_burst(per_second.saturating_mul(TWO)))
    }

    /// So many a minute, and at once after a pause.
    pub fn per_minute(per_minute: NonZeroU32) -> Self {
        Self::of(Quota::per_minute(per_minute))
    }

    fn of(quota: Quota) -> Self {
        Self { limiter: RateLimiter::keyed(quota), clock: DefaultClock::default() }
    }

    /// Counts a request of a caller; refused with 429 when it is one too many.
    pub fn admit(&self, caller: &[u8; 32]) -> Result<(), Problem> {
        if self.limiter.len() > MANY_CALLERS {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(caller).map_err(|not_until| {
            let wait = not_until.wait_time_from(self.clock.now());
            Problem::TooManyRequests { seconds: wait.as_secs() + 1 }
        })
    }
}

const TWO: NonZeroU32 = NonZeroU32::new(2).expect("two");

/// Answers 503 at once to a request that comes while `room` is taken up by others.
pub async fn limit_crowd(State(room): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    match room.try_acquire() {
        Ok(_place) => next.run(request).await,
        Err(_) => Problem::Unavailable { sqlstate: None, reason: "too many requests at a time".into() }
            .into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_caller_has_a_limit_of_his_own() {
        let limits = Limits::new(NonZeroU32::new(5).unwrap());
        let admitted = (0..20).filter(|_| limits.admit(&[1; 32]).is_ok()).count();
        assert_eq!(admitted, 10, "twice as many at once");
        assert!(matches!(limits.admit(&[1; 32]), Err(Problem::TooManyRequests { seconds: 1 })));
        assert!(limits.admit(&[2; 32]).is_ok());
    }
}
