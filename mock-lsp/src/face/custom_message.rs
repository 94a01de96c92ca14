//! LSPS0 over Lightning custom messages (bLIP-50 "Lightning Peer-To-Peer Transport").

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bitcoin::secp256k1::PublicKey;
use lsps1_fixtures::node::{Node, NodeError};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::fault::{Face, Switch};
use crate::message::jsonrpc::{self, BadFormat, Request, RequestParams};
use crate::message::lsps0::{MAX_PAYLOAD, MESSAGE_TYPE};
use crate::message::{Method, Object, Reading, RpcError, lsps0, lsps1};
use crate::service::{Call, Service};

/// The face to nodes.
#[derive(Clone)]
pub(crate) struct CustomMessageFace {
    node: Node,
    service: Service,
    /// What a fault sends again.
    last_answers: Arc<Mutex<HashMap<PublicKey, Vec<u8>>>>,
    /// Clients that a fault ignores until they come again.
    ignored: Arc<Mutex<HashSet<PublicKey>>>,
}

/// Who sent a message.
#[derive(Clone, Copy)]
pub(crate) struct Sender {
    /// The node.
    pub(crate) peer: PublicKey,
    /// Which of its connections the message came over. An answer that can't go there counts as delivered (bLIP-50,
    /// Disconnection Handling).
    pub(crate) connection: u64,
}

impl CustomMessageFace {
    pub(crate) fn new(node: Node, service: Service) -> Self {
        Self { node, service, last_answers: Arc::default(), ignored: Arc::default() }
    }

    /// Answers a message, if it is one for LSPS0 and wants an answer.
    pub(crate) async fn on_message(&self, sender: Sender, message_type: u16, payload: &[u8]) {
        let Sender { peer, connection } = sender;
        let faults = self.service.faults();
        if message_type != MESSAGE_TYPE && !faults.on(Switch::AnswersOtherTypes) {
            return;
        }
        if self.ignored.lock().contains(&peer) {
            return;
        }
        let answers = answer(&self.service, peer, payload).await;
        if answers.iter().any(|answer| is_ignored_after(&self.service, answer)) {
            self.ignored.lock().insert(peer);
        }
        self.service.journal().note(
            self.service.now(),
            peer.to_string(),
            payload,
            answers.first().map(Vec::as_slice),
        );
        if let Some(answer) = answers.last().filter(|_| faults.on(Switch::ReplaysAnswers)) {
            self.last_answers.lock().insert(peer, answer.clone());
        }
        for answer in answers {
            let sent = self.node.answer_custom(peer, connection, MESSAGE_TYPE, answer);
            note_unsent(peer, sent);
        }
    }

    /// A node has connected.
    pub(crate) fn on_connected(&self, peer: PublicKey) {
        self.service.forget_calls(&peer);
        self.ignored.lock().remove(&peer);
        if self.service.faults().on(Switch::GreetsPeers) {
            note_unsent(peer, self.node.send_custom(peer, MESSAGE_TYPE, GREETING.to_vec()));
        }
        // Only a fault has kept one.
        let answer = self.last_answers.lock().remove(&peer);
        if let Some(answer) = answer {
            note_unsent(peer, self.node.send_custom(peer, MESSAGE_TYPE, answer));
        }
    }
}

/// What nobody has asked for.
const GREETING: &[u8] = br#"{"jsonrpc":"2.0","method":"lsps1.news","params":{}}"#;

fn note_unsent(peer: PublicKey, sent: Result<(), NodeError>) {
    if let Err(error) = sent {
        // bLIP-50 has the client ask again.
        tracing::info!(%peer, "failed to {error}");
    }
}

/// The payloads that answer a payload: one, or none for a notification.
async fn answer(service: &Service, peer: PublicKey, payload: &[u8]) -> Vec<Vec<u8>> {
    let faults = service.faults();
    let mut payload = payload.to_vec();
    faults.rewrite_incoming(&mut payload);
    if faults.drops(&payload) {
        return Vec::new();
    }
    if let Some(error) = faults.reject(&payload) {
        return vec![write(service, None, Value::Null, Err(error))];
    }
    let request = match jsonrpc::read(&payload, faults.framing()) {
        Ok(request) => request,
        Err(bad) => return answer_bad_format(service, peer, bad),
    };
    let Some(id) = request
        .id
        .clone()
        .or_else(|| faults.on(Switch::ServesNotifications).then_some(Value::Null))
    else {
        tracing::warn!(%peer, method = request.method, "a notification, which clients don't send");
        return Vec::new();
    };
    let method = find_method(service, &request.method);
    if method.is_none() && faults.on(Switch::SilentOnUnknownMethod) {
        return Vec::new();
    }
    let outcome = match read_call(service, peer, method, &request) {
        Ok(call) => service.answer(call).await,
        Err(error) => Err(error),
    };
    let payload = write(service, method, id, outcome);
    let mut payloads = vec![payload];
    if method == Some(Method::ListProtocols) && faults.on(Switch::AnswersTwice) {
        payloads.extend(payloads.clone());
    }
    if method == Some(Method::GetOrder) {
        payloads.splice(0..0, notification(service));
    }
    payloads
}

/// Whether a fault ignores the client after this answer.
fn is_ignored_after(service: &Service, answer: &[u8]) -> bool {
    let faults = service.faults();
    if !faults.on(Switch::IgnoresAfterErrors) && !faults.on(Switch::IgnoresAfterBadFormat) {
        return false;
    }
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    answer.get("error").is_some_and(|error| {
        faults.on(Switch::IgnoresAfterErrors) || error["code"] == json!(-32700)
    })
}

/// What faults send unasked.
fn notification(service: &Service) -> Option<Vec<u8>> {
    let mut notification = json!({"jsonrpc": "2.0", "method": "lsps1.news"});
    if service.faults().on(Switch::NotifiesByPosition) {
        notification["params"] = json!([1]);
    } else if !service.faults().on(Switch::NotifiesWithoutParams) {
        return None;
    }
    Some(notification.to_string().into_bytes())
}

fn answer_bad_format(service: &Service, peer: PublicKey, bad: BadFormat) -> Vec<Vec<u8>> {
    tracing::warn!(%peer, "a payload of bad format: {}", bad.reason);
    if service.faults().on(Switch::SilentOnBadFormat) {
        return Vec::new();
    }
    let echo = service.faults().on(Switch::ParseErrorEchoesId);
    let id = bad.readable_id.filter(|_| echo).unwrap_or(Value::Null);
    vec![write(service, None, id, Err(RpcError::parse_error()))]
}

fn find_method(service: &Service, name: &str) -> Option<Method> {
    if service.faults().on(Switch::MatchesMethodsLoosely) {
        return Method::from_name(name.trim().to_ascii_lowercase().as_str());
    }
    Method::from_name(name)
}

fn read_call(
    service: &Service,
    peer: PublicKey,
    method: Option<Method>,
    request: &Request,
) -> Result<Call, RpcError> {
    let method = method.ok_or_else(|| match &request.params {
        RequestParams::ByName(params)
            if !params.is_empty() && service.faults().on(Switch::ChecksParamsFirst) =>
        {
            let names: Vec<String> = params.keys().cloned().collect();
            RpcError::invalid_params("some parameters are not known", &names)
        }
        _ => RpcError::method_not_found(),
    })?;
    let reading = service.faults().reading(Reading::strict(service.network()));
    let mut params = match &request.params {
        RequestParams::ByName(params) => params.clone(),
        RequestParams::ByPosition if service.faults().on(Switch::ServesPositional) => Object::new(),
        RequestParams::ByPosition => return Err(lsps1::by_position(method.first_param())),
    };
    let scene = service.scene(Some(method));
    service.faults().receive(Face::P2p, method, &mut params, &scene)?;
    refuse_by_calls(service, peer, method, &params)?;
    let params = &params;
    match method {
        Method::ListProtocols => {
            lsps0::read_nothing(params, &reading).map(|()| Call::ListProtocols)
        }
        Method::GetInfo => lsps0::read_nothing(params, &reading).map(|()| Call::GetInfo),
        Method::CreateOrder => lsps1::read_create_order(params, &reading)
            .map(|request| Call::CreateOrder { client: peer, request }),
        Method::GetOrder => lsps1::read_get_order(params, &reading)
            .map(|order_id| Call::GetOrder { order_id, reader: Some(peer) }),
    }
}

/// What faults make of a client's calls before this one.
fn refuse_by_calls(
    service: &Service,
    peer: PublicKey,
    method: Method,
    params: &Object,
) -> Result<(), RpcError> {
    let faults = service.faults();
    let counting = [
        Switch::WantsInfoFirst,
        Switch::TiresOfGetInfo,
        Switch::TiresOfListProtocols,
        Switch::WantsInfoParamsLater,
        Switch::WantsProtocolsParamsLater,
    ];
    if !counting.iter().any(|switch| faults.on(*switch)) {
        return Ok(());
    }
    let calls = service.note_call(peer, method);
    let wants_params = calls.has_ordered
        && params.is_empty()
        && match method {
            Method::ListProtocols => faults.on(Switch::WantsProtocolsParamsLater),
            Method::GetInfo => faults.on(Switch::WantsInfoParamsLater),
            Method::CreateOrder | Method::GetOrder => false,
        };
    if wants_params {
        return Err(RpcError::invalid_param("version", "version is missing", &[]));
    }
    let refused = match method {
        Method::ListProtocols => faults.on(Switch::TiresOfListProtocols) && calls.in_a_row >= 15,
        Method::GetInfo => faults.on(Switch::TiresOfGetInfo) && calls.in_a_row >= 10,
        Method::CreateOrder => faults.on(Switch::WantsInfoFirst) && !calls.has_asked,
        Method::GetOrder => false,
    };
    match refused {
        true => Err(RpcError::client_rejected("not in the order that this LSP likes")),
        false => Ok(()),
    }
}

/// Writes a response. One that no message can carry becomes an error.
fn write(
    service: &Service,
    method: Option<Method>,
    id: Value,
    outcome: Result<Object, RpcError>,
) -> Vec<u8> {
    let scene = service.scene(method);
    let mut response = jsonrpc::write(id, outcome);
    if let Some(Value::Object(error)) = response.get_mut("error") {
        service.faults().rewrite_error(error, &scene);
    }
    service.faults().rewrite_response(&mut response, &scene);
    let mut payload = Value::from(response).to_string().into_bytes();
    service.faults().rewrite_payload(&mut payload, &scene);
    if payload.len() > MAX_PAYLOAD {
        // Only a client's own id or names can be that long.
        let response = jsonrpc::write(Value::Null, Err(RpcError::internal()));
        payload = Value::from(response).to_string().into_bytes();
    }
    payload
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::test_support::{service, service_with, some_key};

    async fn ask(service: &Service, request: Value) -> Value {
        let answers = answer(service, some_key(), request.to_string().as_bytes()).await;
        assert_eq!(answers.len(), 1, "{request}");
        serde_json::from_slice(&answers[0]).unwrap()
    }

    async fn call(service: &Service, method: &str, params: Value) -> Value {
        ask(service, json!({"jsonrpc": "2.0", "id": "a", "method": method, "params": params})).await
    }

    fn order_params() -> Value {
        json!({
            "lsp_balance_sat": "100000", "client_balance_sat": "1000", "required_channel_confirmations": 0,
            "funding_confirms_within_blocks": 6, "channel_expiry_blocks": 144, "announce_channel": false,
        })
    }

    #[tokio::test]
    async fn an_order_is_made_and_read_by_its_own_key_only() {
        let service = service().await;
        let created = call(&service, "lsps1.create_order", order_params()).await;
        let order = &created["result"];
        assert_eq!(order["token"], "");
        assert_eq!(order["channel"], Value::Null);
        assert_eq!(order["order_state"], "CREATED");
        let read = call(&service, "lsps1.get_order", json!({"order_id": order["order_id"]})).await;
        assert_eq!(&read["result"], order);

        let request = json!({"jsonrpc": "2.0", "id": 1, "method": "lsps1.get_order", "params": {"order_id": order["order_id"]}});
        let mut key = some_key().serialize();
        key[0] ^= 1;
        let other = PublicKey::from_slice(&key).unwrap();
        let answers = answer(&service, other, request.to_string().as_bytes()).await;
        let refused: Value = serde_json::from_slice(&answers[0]).unwrap();
        assert_eq!(
            refused,
            json!({"jsonrpc": "2.0", "id": 1, "error": {"code": 101, "message": "order not found", "data": {}}})
        );
    }

    #[tokio::test]
    async fn each_kind_of_refusal_has_its_code_and_data() {
        let service = service().await;
        let error = |reply: Value| (reply["error"]["code"].clone(), reply["error"]["data"].clone());
        assert_eq!(
            error(call(&service, "lsps1.info", json!({"zz": 1})).await),
            (json!(-32601), Value::Null)
        );
        let (code, data) = error(call(&service, "lsps1.get_info", json!({"version": 1})).await);
        assert_eq!((code, &data["unrecognized"]), (json!(-32602), &json!(["version"])));
        let (code, data) = error(call(&service, "lsps1.create_order", json!([])).await);
        assert_eq!(
            (code, &data["property"], &data["unrecognized"]),
            (json!(-32602), &json!("lsp_balance_sat"), &json!([]))
        );
        let (code, data) = error(call(&service, "lsps1.get_info", json!([])).await);
        assert_eq!((code, &data["unrecognized"]), (json!(-32602), &json!([])));
        let mut params = order_params();
        params["lsp_balance_sat"] = json!("10000001");
        let (code, data) = error(call(&service, "lsps1.create_order", params.clone()).await);
        assert_eq!((code, &data["property"]), (json!(100), &json!("max_initial_lsp_balance_sat")));
        params["lsp_balance_sat"] = json!("100000");
        params["token"] = json!("nobody's");
        assert_eq!(
            error(call(&service, "lsps1.create_order", params.clone()).await),
            (json!(102), json!({}))
        );
        params["token"] = json!("good");
        assert_eq!(call(&service, "lsps1.create_order", params).await["result"]["token"], "good");
    }

    #[tokio::test]
    async fn bad_format_is_answered_with_a_null_id_and_notifications_are_not() {
        let service = service().await;
        for payload in [&b""[..], b"{", b"[]", b"\xff", br#"{"id":"a","method":"x"}"#] {
            let answers = answer(&service, some_key(), payload).await;
            let reply: Value = serde_json::from_slice(&answers[0]).unwrap();
            assert_eq!(
                reply,
                json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32700, "message": "parse error"}})
            );
        }
        let notification =
            json!({"jsonrpc": "2.0", "method": "lsps1.create_order", "params": order_params()});
        assert!(answer(&service, some_key(), notification.to_string().as_bytes()).await.is_empty());
        assert!(service.orders().is_empty());
    }

    #[tokio::test]
    async fn what_no_message_can_carry_becomes_an_error() {
        let service = service().await;
        let id = "x".repeat(65_400);
        let request = format!(r#"{{"jsonrpc":"2.0","id":"{id}","method":"lsps1.get_info"}}"#);
        let answers = answer(&service, some_key(), request.as_bytes()).await;
        let reply: Value = serde_json::from_slice(&answers[0]).unwrap();
        assert_eq!(reply["error"]["code"], -32603);
    }

    #[tokio::test]
    async fn faults_change_what_they_say_and_nothing_else() {
        let service = service_with(&["order-total-off-by-one"]).await;
        let order = call(&service, "lsps1.create_order", order_params()).await["result"].clone();
        let sat = |value: &Value| value.as_str().unwrap().parse::<u64>().unwrap();
        let bolt11 = &order["payment"]["bolt11"];
        assert_eq!(sat(&bolt11["order_total_sat"]), sat(&bolt11["fee_total_sat"]) + 1_000 + 1);

        let service = service_with(&["silent-on-unknown-method", "error-data-string"]).await;
        let unknown = json!({"jsonrpc": "2.0", "id": "a", "method": "lsps1.nope"});
        assert!(answer(&service, some_key(), unknown.to_string().as_bytes()).await.is_empty());
        assert!(
            call(&service, "lsps1.get_order", json!({"order_id": "x"})).await["error"]["data"]
                .is_string()
        );
    }

    #[test]
    fn any_bytes_get_an_answer_that_fits_or_silence() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let service = runtime.block_on(service());
        proptest!(|(payload in prop::collection::vec(any::<u8>(), 0..200))| {
            let answers = runtime.block_on(answer(&service, some_key(), &payload));
            prop_assert_eq!(answers.len(), 1);
            let reply: Value = serde_json::from_slice(&answers[0]).unwrap();
            prop_assert!(reply["id"].is_null() && reply["error"]["code"] == -32700);
        });
        proptest!(|(
            method in prop::sample::select(vec!["lsps0.list_protocols", "lsps1.get_info", "lsps1.create_order", "lsps1.get_order", "x"]),
            name in prop::sample::select(vec!["lsp_balance_sat", "order_id", "token", "zz"]),
            value in prop_oneof![any::<u64>().prop_map(Value::from), "\\PC{0,30}".prop_map(Value::from), Just(Value::Null)],
            id in prop::option::of("\\PC{0,30}"),
        )| {
            let mut params = order_params();
            params[name] = value;
            let mut request = json!({"jsonrpc": "2.0", "method": method, "params": params});
            if let Some(id) = &id {
                request["id"] = json!(id);
            }
            let answers = runtime.block_on(answer(&service, some_key(), request.to_string().as_bytes()));
            prop_assert_eq!(answers.len(), usize::from(id.is_some()));
            if let Some(answer) = answers.first() {
                let reply: Value = serde_json::from_slice(answer).unwrap();
                prop_assert_eq!(&reply["id"], &json!(id));
                prop_assert!(reply.get("result").is_some() != reply.get("error").is_some());
            }
        });
    }
}
