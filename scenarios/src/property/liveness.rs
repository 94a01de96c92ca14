//! Whether a target still answers after it has refused something, or said nothing.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::attempt::Trial;
use super::world::{Driver, Trouble};
use crate::action::{HttpRequest, Transport};
use crate::oracle::{Answered, Expected, Found};
use crate::transcript::Message;
use crate::verdict::{Evidence, Judgement};

impl<D: Driver> Trial<'_, D> {
    /// After a refusal, or silence: asks for something harmless. A target that doesn't answer is reconnected to.
    pub(super) async fn see_whether_it_lives(
        &mut self,
        conn: &str,
        expected: &Expected,
        answered: &Answered,
        id: &Value,
    ) -> Result<(), Trouble> {
        let (alive, late, evidence) = self.probe(conn, id).await?;
        if alive && late == 0 {
            return Ok(());
        }
        let what = if answered.silent { "it was not answered" } else { "it was refused" };
        let message = if alive {
            format!("{what}, but {late} more answers to it came afterwards")
        } else {
            format!("{what}, and the next request isn't answered either")
        };
        let faults: BTreeSet<&'static str> =
            expected.faults.iter().flat_map(|fault| fault.rows.iter().copied()).collect();
        let rows = if faults.is_empty() { expected.rows().collect() } else { faults };
        let several = expected.faults.len() != 1;
        let of_format = expected.is_bad_format() && self.world.context.transport == Transport::P2p;
        let found = |row: &'static str| Found {
            row,
            judgement: Judgement::Broken,
            message: message.clone(),
        };
        // What came with the right id is one answer too many, which an invariant reports.
        if !alive || of_format {
            let suspects = if several { rows.clone() } else { BTreeSet::new() };
            let found = rows.iter().map(|row| found(row)).collect();
            let answered = Answered { found, suspects, ..Answered::default() };
            self.note(&answered, true, &evidence);
        }
        if of_format {
            // A bad message has no effect but its error: the row that this is about whatever was bad.
            let answered = Answered { found: vec![found("L0-026")], ..Answered::default() };
            self.note(&answered, true, &evidence);
        }
        if alive {
            return Ok(());
        }
        self.attempt.silent = true;
        self.attempt.ignored_since_refusal |= !answered.silent;
        if self.world.context.transport == Transport::P2p {
            self.world.reconnect(conn, self.driver).await?;
        }
        match self.probe(conn, &Value::Null).await? {
            (true, ..) => Ok(()),
            _ => Err(Trouble::Dead("it has stopped answering, also on a new connection".into())),
        }
    }

    /// Whether the target answers, and how many late answers to the request with this id came along.
    async fn probe(
        &mut self,
        conn: &str,
        id: &Value,
    ) -> Result<(bool, usize, Vec<Evidence>), Trouble> {
        match self.world.context.transport {
            Transport::P2p => {
                let probe = self.world.draw_id();
                let wanted = json!(probe);
                let frames = vec![probe_message(&probe)];
                let answer = self
                    .world
                    .exchange(conn, frames, &Value::Null, &wanted, &wanted, self.driver)
                    .await?;
                let alive = matches!(answer.document["reply"].as_str(), Some("result" | "error"))
                    && answer.document["envelope"]["id"] == wanted;
                let late = |message: &&Message| {
                    let value: Option<Value> = serde_json::from_slice(&message.bytes).ok();
                    value.is_some_and(|value| {
                        value.is_object()
                            && value.get("method").is_none()
                            && value.get("id").unwrap_or(&Value::Null) == id
                            && *id != wanted
                    })
                };
                let late = answer.exchange.received.iter().filter(late).count();
                let evidence = answer.exchange.evidence();
                self.exchanges.push(answer.exchange);
                Ok((alive, late, evidence))
            }
            Transport::Rest => {
                let request = HttpRequest {
                    method: "GET".into(),
                    path: "get_info".into(),
                    query: Vec::new(),
                    headers: Vec::new(),
                    body: None,
                };
                let answer = self.world.http(request, self.driver).await?;
                let evidence = answer.exchange.evidence();
                self.exchanges.push(answer.exchange);
                Ok((answer.document["reply"] == "result", 0, evidence))
            }
        }
    }
}

/// A harmless request.
pub(super) fn probe_message(id: &str) -> Vec<u8> {
    json!({"jsonrpc": "2.0", "id": id, "method": "lsps0.list_protocols", "params": {}})
        .to_string()
        .into_bytes()
}
