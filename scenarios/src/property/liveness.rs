//! Whether a target still answers after it has refused something, or said nothing.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::attempt::Trial;
use super::world::{Driver, Trouble, probe_message};
use crate::action::{HttpRequest, Transport};
use crate::oracle::{Answered, Expected, Found};
use crate::session::Aftermath;
use crate::transcript::Message;
use crate::verdict::{Evidence, Judgement};

impl<D: Driver> Trial<'_, D> {
    /// After a refusal, or silence: asks for something harmless. A target that doesn't answer is reconnected to.
    pub(super) async fn see_whether_it_lives(
        &mut self,
        conn: &str,
        expected: &Expected,
        answered: &Answered,
        aftermath: Aftermath,
        id: &Value,
    ) -> Result<(), Trouble> {
        let Probed { alive, waited, late, evidence } = self.probe(conn, id).await?;
        if alive && late == 0 {
            return Ok(());
        }
        let what = if answered.silent { "it was not answered" } else { "it was refused" };
        let message = match alive {
            true => format!("{what}, but {late} more answers to it came afterwards"),
            false => format!("{what}, and the next request isn't answered either"),
        };
        match self.world.context.transport {
            // That it wasn't answered is a finding already.
            Transport::P2p if answered.silent => {}
            // What came with the right id is one answer too many, which an invariant reports.
            Transport::P2p if alive && aftermath == Aftermath::OfOtherErrors => {}
            Transport::P2p => self.note(&broken([aftermath.row()], &message), true, &evidence),
            // There is no connection that could be made anew.
            Transport::Rest => {
                let faults: BTreeSet<&'static str> =
                    expected.faults.iter().flat_map(|fault| fault.rows.iter().copied()).collect();
                let rows = if faults.is_empty() { expected.rows().collect() } else { faults };
                let mut answered = broken(rows.iter().copied(), &message);
                if expected.faults.len() != 1 {
                    answered.suspects = rows;
                }
                self.note(&answered, true, &evidence);
            }
        }
        if alive {
            return Ok(());
        }
        self.attempt.silent |= waited;
        if self.world.context.transport == Transport::P2p {
            self.world.reconnect(conn, self.driver).await?;
        }
        // Here an answer is expected, so that it may take its time.
        let wait = self.world.wait.take();
        let again = self.probe(conn, &Value::Null).await;
        self.world.wait = wait;
        if !again?.alive {
            return Err(Trouble::Dead("it has stopped answering, also on a new connection".into()));
        }
        if waited {
            self.world.be_impatient();
        }
        if !answered.silent {
            self.attempt.ignoring.learn(aftermath);
        }
        Ok(())
    }

    /// Whether the target answers, and how many late answers to the request with this id came along.
    async fn probe(&mut self, conn: &str, id: &Value) -> Result<Probed, Trouble> {
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
                let waited = answer.document["reply"] == "silence";
                let evidence = answer.exchange.evidence();
                self.exchanges.push(answer.exchange);
                Ok(Probed { alive, waited, late, evidence })
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
                let reply = &answer.document["reply"];
                let (alive, waited) = (reply == "result", reply == "silence");
                let evidence = answer.exchange.evidence();
                self.exchanges.push(answer.exchange);
                Ok(Probed { alive, waited, late: 0, evidence })
            }
        }
    }
}

/// What came of a probe.
struct Probed {
    /// It was answered.
    alive: bool,
    /// It was waited for in vain.
    waited: bool,
    /// Late answers to the request before it.
    late: usize,
    evidence: Vec<Evidence>,
}

fn broken(rows: impl IntoIterator<Item = &'static str>, message: &str) -> Answered {
    let of_row = |row| Found { row, judgement: Judgement::Broken, message: message.to_owned() };
    Answered { found: rows.into_iter().map(of_row).collect(), ..Answered::default() }
}
