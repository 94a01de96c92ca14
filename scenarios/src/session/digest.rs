//! Taking in what came of an action: into the transcript, and as the document of what was asked.

use serde_json::{Value, json};

use super::Session;
use super::request::{self, Outgoing};
use super::task::{Pending, Task};
use crate::action::{
    Action, ClientAct, End, Frame, HttpRequest, Observation, Span, Transport, Wait,
};
use crate::document::{self, Reply};
use crate::transcript::{Exchange, HttpExchange, Message};
use crate::verdict::Verdict;

impl Session<'_> {
    /// Takes the observation of the pending action.
    pub(super) fn digest(
        &mut self,
        action: &Action,
        pending: Pending,
        span: Span,
        observation: Observation,
    ) {
        match (pending, observation) {
            (_, Observation::Failed { reason }) => self.stop(Verdict::Inconclusive, reason, None),
            (Pending::Connecting(task), Observation::Connected { .. }) => {
                if let Action::Connect { conn } = action {
                    self.connected.insert(conn.clone());
                }
                self.tasks.push_front(task);
            }
            (
                Pending::Connecting(_) | Pending::Reconnecting { .. },
                Observation::ConnectFailed { reason },
            ) => {
                self.stop(Verdict::Inconclusive, format!("failed to connect: {reason}"), None);
            }
            (Pending::Leaving(probe), Observation::Done) => {
                self.tasks.push_front(Task::Probe(probe));
            }
            (Pending::Reconnecting { step, conn, dropped: false }, Observation::Done) => {
                let action = Action::Connect { conn: conn.clone() };
                self.pending = Some((action, Pending::Reconnecting { step, conn, dropped: true }));
            }
            (
                Pending::Reconnecting { step, conn, dropped: true },
                Observation::Connected { features },
            ) => {
                self.connected.insert(conn);
                let document = json!({"connected": true, "features": features});
                self.step_done(step, document, &Value::Null, None);
            }
            (
                Pending::Exchange { task, outgoing, probe, single },
                Observation::Frames { frames, end },
            ) => {
                let Action::Exchange { conn, frames: sent, .. } = action else { return };
                if end == End::Complete && self.wants_quiet(&task, probe.is_some()) {
                    let listen = Action::Exchange {
                        conn: conn.clone(),
                        frames: Vec::new(),
                        wait: Wait::default(),
                    };
                    let exchange = Box::new(Pending::Exchange { task, outgoing, probe, single });
                    let quiet = Pending::Quiet {
                        before: action.clone(),
                        exchange,
                        from_ms: span.from_ms,
                        observed: frames,
                    };
                    self.pending = Some((listen, quiet));
                    return;
                }
                self.digest_frames(task, conn, sent, &outgoing, probe, single, span, frames, end);
            }
            (
                Pending::Quiet { before, exchange, from_ms, observed: mut all },
                Observation::Frames { frames, end },
            ) => {
                let Pending::Exchange { task, outgoing, probe, single } = *exchange else { return };
                let Action::Exchange { conn, frames: sent, .. } = &before else { return };
                // It was meant to end by time-out.
                let end = if end == End::Closed { end } else { End::Complete };
                let place = self.transcript.exchanges.len();
                self.quiet.insert(place, span.to_ms.saturating_sub(span.from_ms));
                all.extend(frames);
                let span = Span { from_ms, ..span };
                self.digest_frames(task, conn, sent, &outgoing, probe, single, span, all, end);
            }
            (
                Pending::Http { task, request },
                Observation::Http { status, headers, body, truncated },
            ) => {
                self.digest_http(task, &request, status, &headers, body, truncated, span);
            }
            (Pending::Http { task, request }, Observation::HttpFailed { reason, timed_out }) => {
                self.digest_http_failure(task, &request, &reason, timed_out, span);
            }
            (Pending::Chain { step }, Observation::Document(document)) => {
                self.look_at_orders();
                self.step_done(step, chain_document(document), &Value::Null, None);
            }
            (Pending::Telling { step, request }, Observation::Done) => {
                self.step_done(step, json!({"request": request}), &Value::Null, None);
            }
            (Pending::Chain { step }, Observation::Done) => {
                if matches!(action, Action::Client(ClientAct::Disconnect) | Action::Restart) {
                    // The next request connects again.
                    self.connected.clear();
                }
                self.look_at_orders();
                self.step_done(step, json!({}), &Value::Null, None)
            }
            (Pending::Pausing(poll), Observation::Done) => self.tasks.push_front(Task::Poll(poll)),
            (_, observation) => {
                let name = format!("{observation:?}");
                let name = name.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
                let asked = format!("{action:?}");
                let asked = asked.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
                self.stop(
                    Verdict::Error,
                    format!("the harness answered the action {asked} with {name}"),
                    None,
                );
            }
        }
    }

    /// Whether it takes a quiet window to say that no more comes: where saying nothing may be right, or where the number
    /// of replies is what the step is about.
    fn wants_quiet(&self, task: &Task, may_be_silent: bool) -> bool {
        let Task::Step(index) = task else { return false };
        may_be_silent || self.step(*index).is_some_and(|step| step.quiet)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one exchange, used here only")]
    fn digest_frames(
        &mut self,
        task: Task,
        conn: &str,
        sent: &[Vec<u8>],
        outgoing: &[Outgoing],
        probe: Option<Value>,
        single: bool,
        span: Span,
        frames: Vec<Frame>,
        end: End,
    ) {
        if end == End::Closed {
            self.connected.remove(conn);
        }
        match (sent.is_empty(), frames.is_empty()) {
            // Nothing was asked.
            (true, true) => {}
            (false, true) => self.unanswered += 1,
            (_, false) => self.unanswered = 0,
        }
        let request_ids: Vec<(Value, Value)> =
            outgoing.iter().map(|message| (message.request.clone(), message.id.clone())).collect();
        let mut replies: Vec<Reply<'_>> = frames.iter().map(Reply::read).collect();
        let probe_answered = probe.as_ref().map(|id| {
            let before = replies.len();
            replies.retain(|reply| reply.id() != id);
            replies.len() < before
        });
        let read = |replies: &[Reply<'_>]| match request_ids.as_slice() {
            [(request, id)] if single => document::of_frames(request, id, replies, end),
            requests => document::of_pipeline(requests, replies, end),
        };
        let mut document = read(&replies);
        if let Some(translated) = self.translated(&replies) {
            let replies: Vec<Reply<'_>> = translated.iter().map(Reply::read).collect();
            document = self.in_view(read(&replies), document);
        }
        if let (Some(answered), Some(document)) = (probe_answered, document.as_object_mut()) {
            document.insert("alive".into(), json!(answered));
        }
        let late = match &task {
            Task::Probe(probe) => probe.late_replies(replies.iter().map(|reply| &reply.value)),
            _ => 0,
        };
        drop(replies);
        let exchange = self.record(Exchange {
            transport: Transport::P2p,
            via: conn.into(),
            sent: sent
                .iter()
                .map(|bytes| Message { at_ms: span.from_ms, bytes: bytes.clone() })
                .collect(),
            received: frames
                .into_iter()
                .map(|frame| Message { at_ms: frame.at_ms, bytes: frame.bytes })
                .collect(),
            end,
            http: None,
        });
        let id = request_ids.first().map(|(_, id)| id.clone()).unwrap_or_default();
        self.task_done(task, document, &id, exchange, span, late);
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one response, used here only")]
    fn digest_http(
        &mut self,
        task: Task,
        request: &HttpRequest,
        status: u16,
        headers: &[(String, String)],
        body: Vec<u8>,
        truncated: bool,
        span: Span,
    ) {
        self.unanswered = 0;
        let about = request::about(request);
        let read =
            |body: &[u8]| document::of_http(&about.params, status, headers, body, span.to_ms);
        let mut document = read(&body);
        if let Some(translated) = self.view.reply(&body) {
            document = self.in_view(read(&translated), document);
        }
        let content_type =
            document.pointer("/http/content_type").and_then(Value::as_str).map(str::to_owned);
        let http = HttpExchange { status: Some(status), content_type, truncated, ..about };
        let received = vec![Message { at_ms: span.to_ms, bytes: body }];
        let exchange = self.record(http_exchange(request, received, End::Complete, http, span));
        self.task_done(task, document, &Value::Null, exchange, span, 0);
    }

    fn digest_http_failure(
        &mut self,
        task: Task,
        request: &HttpRequest,
        reason: &str,
        timed_out: bool,
        span: Span,
    ) {
        self.unanswered += 1;
        let about = request::about(request);
        let document = document::of_http_failure(&about.params, reason, timed_out);
        let end = if timed_out { End::TimedOut } else { End::Closed };
        let exchange = self.record(http_exchange(request, Vec::new(), end, about, span));
        self.task_done(task, document, &Value::Null, exchange, span, 0);
    }

    /// The document that is judged. Only who keeps to an older text as a whole is judged by a translation; else it serves
    /// to make requests from.
    fn in_view(&self, translated: Value, original: Value) -> Value {
        match self.view.explains() {
            true => document::translated(translated, original),
            false => document::with_reading(original, translated),
        }
    }

    /// The payloads as bLIP-51 would have them, if any is different there.
    fn translated(&self, replies: &[Reply<'_>]) -> Option<Vec<Frame>> {
        let mut differs = false;
        let translated = replies.iter().map(|reply| {
            let bytes = self.view.reply(&reply.frame.bytes);
            differs |= bytes.is_some();
            let bytes = bytes.unwrap_or_else(|| reply.frame.bytes.clone());
            Frame { bytes, at_ms: reply.frame.at_ms }
        });
        let translated = translated.collect();
        differs.then_some(translated)
    }

    fn record(&mut self, exchange: Exchange) -> Option<usize> {
        self.transcript.exchanges.push(exchange);
        Some(self.transcript.exchanges.len() - 1)
    }
}

fn http_exchange(
    request: &HttpRequest,
    received: Vec<Message>,
    end: End,
    http: HttpExchange,
    span: Span,
) -> Exchange {
    Exchange {
        transport: Transport::Rest,
        via: format!("{} {}", request.method, request.path),
        sent: vec![Message { at_ms: span.from_ms, bytes: request::http_bytes(request) }],
        received,
        end,
        http: Some(http),
    }
}

/// What the client or the chain reports, also under `result`, so that an order reads the same whoever made it.
fn chain_document(document: Value) -> Value {
    match document {
        Value::Object(mut map) => {
            let copy = Value::Object(map.clone());
            map.entry("result").or_insert(copy);
            map.entry("reply").or_insert_with(|| json!("result"));
            Value::Object(map)
        }
        other => json!({"reply": "result", "result": other}),
    }
}
