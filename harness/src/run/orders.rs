//! The orders that a run makes on the target, and how many of them generated conversations may make.

use std::sync::{Mutex, PoisonError};

use lsps1_scenarios::{Action, Observation};
use serde_json::Value;

/// What of an action asks for orders.
pub(super) enum Asked {
    /// Nothing.
    Nothing,
    /// Requests with these ids.
    Messages(Vec<Value>),
    /// One HTTP request.
    Http,
}

impl Asked {
    pub(super) fn of(action: &Action) -> Self {
        match action {
            Action::Exchange { frames, .. } => {
                let ids: Vec<Value> =
                    frames.iter().filter_map(|frame| order_id_of(frame)).collect();
                if ids.is_empty() { Self::Nothing } else { Self::Messages(ids) }
            }
            Action::Http(request) if request.path.ends_with("create_order") => Self::Http,
            _ => Self::Nothing,
        }
    }

    /// The ids of the orders that came of it.
    pub(super) fn made(&self, observation: &Observation) -> Vec<String> {
        let order = |result: &Value| Some(result.get("order_id")?.as_str()?.to_owned());
        match (self, observation) {
            (Self::Messages(ids), Observation::Frames { frames, .. }) => {
                let answers = frames.iter().filter_map(|frame| {
                    let answer: Value = serde_json::from_slice(&frame.bytes).ok()?;
                    let is_ours = answer.get("id").is_some_and(|id| ids.contains(id));
                    is_ours.then(|| order(answer.get("result")?)).flatten()
                });
                answers.collect()
            }
            (Self::Http, Observation::Http { status: 200..=299, body, .. }) => {
                let body: Value = serde_json::from_slice(body).unwrap_or_default();
                order(&body).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }
}

/// The id of a request for an order, if that is what `frame` is. In the first text of LSPS1 the method had another name.
fn order_id_of(frame: &[u8]) -> Option<Value> {
    let request: Value = serde_json::from_slice(frame).ok()?;
    let method = request.get("method")?.as_str()?;
    method.ends_with(".create_order").then(|| request.get("id").cloned())?
}

/// The orders that generated conversations may make, which several of them share.
#[derive(Debug)]
pub(super) struct Budget {
    left: Mutex<Left>,
}

#[derive(Debug)]
struct Left {
    orders: u32,
    conversations: u32,
}

impl Budget {
    /// So many orders for so many conversations.
    pub(super) const fn new(orders: u32, conversations: u32) -> Self {
        Self { left: Mutex::new(Left { orders, conversations }) }
    }

    /// What the next conversation may make: its share, and of what others have left over.
    pub(super) fn take(&self) -> u32 {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let share = left.orders.div_ceil(left.conversations.max(1));
        left.orders -= share;
        left.conversations = left.conversations.saturating_sub(1);
        share
    }

    /// Takes back what a conversation didn't make.
    pub(super) fn give_back(&self, orders: u32) {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).orders += orders;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lsps1_scenarios::{End, Frame, HttpRequest, Wait};

    #[test]
    fn a_small_budget_goes_to_the_first_and_what_is_left_over_to_the_next() {
        let takes = |orders: u32, left_over: [u32; 4]| {
            let budget = Budget::new(orders, 4);
            left_over.map(|left| {
                let share = budget.take();
                budget.give_back(left.min(share));
                share
            })
        };
        assert_eq!(takes(3, [0; 4]), [1, 1, 1, 0]);
        assert_eq!(takes(20, [0; 4]), [5, 5, 5, 5]);
        assert_eq!(takes(20, [5, 4, 0, 0]), [5, 7, 9, 8]);
        assert_eq!(takes(0, [0; 4]), [0; 4]);
        assert_eq!(Budget::new(9, 0).take(), 9);
    }

    #[test]
    fn orders_are_counted_over_both_transports() {
        let frames = [
            r#"{"id":"a","method":"lsps1.create_order"}"#,
            r#"{"id":"b","method":"lsps1.get_order"}"#,
        ];
        let exchange = Action::Exchange {
            conn: "main".into(),
            frames: frames.map(|frame| frame.as_bytes().to_vec()).into(),
            wait: Wait::default(),
        };
        let answers =
            [r#"{"id":"b","result":{"order_id":"y"}}"#, r#"{"id":"a","result":{"order_id":"x"}}"#];
        let frames = answers.map(|text| Frame { bytes: text.into(), at_ms: 1 }).into();
        let came = Observation::Frames { frames, end: End::Complete };
        assert_eq!(Asked::of(&exchange).made(&came), ["x"]);

        let request = |path: &str| {
            let (method, path) = ("POST".to_owned(), path.to_owned());
            Action::Http(HttpRequest { method, path, query: vec![], headers: vec![], body: None })
        };
        let came = |status| Observation::Http {
            status,
            headers: Vec::new(),
            body: br#"{"order_id":"x"}"#.to_vec(),
            truncated: false,
        };
        assert_eq!(Asked::of(&request("/create_order")).made(&came(201)), ["x"]);
        assert!(Asked::of(&request("/create_order")).made(&came(400)).is_empty());
        assert!(Asked::of(&request("/get_order")).made(&came(200)).is_empty());
    }
}
