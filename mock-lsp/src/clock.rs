//! The time, as a parameter.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// A future behind a pointer, as methods of trait objects give it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where the mock takes the time from.
pub trait Clock: Send + Sync {
    /// The time.
    fn now(&self) -> Timestamp;

    /// Ends once the time is `at` or later.
    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()>;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            // The system's clock may be set back meanwhile, so the end of the wait is only a hint.
            while let Ok(left) = Duration::try_from(at.duration_since(Timestamp::now())) {
                if left.is_zero() {
                    break;
                }
                tokio::time::sleep(left).await;
            }
        })
    }
}

/// A clock that stands still until it is moved.
#[derive(Clone, Debug)]
pub struct ManualClock {
    now: watch::Sender<Timestamp>,
}

impl ManualClock {
    /// A clock that shows `start`.
    pub fn new(start: Timestamp) -> Self {
        Self { now: watch::Sender::new(start) }
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        self.now.send_modify(|now| *now = now.checked_add(by).unwrap_or(Timestamp::MAX));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        let mut now = self.now.subscribe();
        Box::pin(async move {
            // The sender lives as long as `self`, so this only ends when the time has come.
            let _ = now.wait_for(|now| *now >= at).await;
        })
    }
}

/// A clock that the operator can move ahead of another one.
pub(crate) struct ShiftedClock {
    inner: Arc<dyn Clock>,
    ahead: watch::Sender<SignedDuration>,
}

impl ShiftedClock {
    /// A clock that shows what `inner` shows, at first.
    pub(crate) fn new(inner: Arc<dyn Clock>) -> Self {
        Self { inner, ahead: watch::Sender::new(SignedDuration::ZERO) }
    }

    /// Moves the clock on.
    pub(crate) fn advance(&self, by: SignedDuration) {
        self.ahead.send_modify(|ahead| *ahead = ahead.saturating_add(by));
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        self.inner.now().checked_add(*self.ahead.borrow()).unwrap_or(Timestamp::MAX)
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        let mut ahead = self.ahead.subscribe();
        Box::pin(async move {
            while self.now() < at {
                let by = *ahead.borrow_and_update();
                let then = at.checked_sub(by).unwrap_or(at);
                tokio::select! {
                    () = self.inner.sleep_until(then) => {}
                    // The sender lives as long as `self`.
                    _ = ahead.changed() => {}
                }
            }
        })
    }
}

/// A time without what is finer than milliseconds, which the wire can't carry.
pub(crate) fn to_millis(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_shifted_clock_wakes_when_either_clock_is_moved() {
        let inner = ManualClock::new(Timestamp::UNIX_EPOCH);
        let clock = Arc::new(ShiftedClock::new(Arc::new(inner.clone())));
        let hour = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1);
        let sleeper = Arc::clone(&clock);
        let sleep = tokio::spawn(async move { sleeper.sleep_until(hour).await });
        inner.advance(Duration::from_secs(1_800));
        tokio::task::yield_now().await;
        assert!(!sleep.is_finished());
        clock.advance(SignedDuration::from_mins(30));
        sleep.await.unwrap();
        assert_eq!(clock.now(), hour);
    }
}
