//! The REST dialect: LSPS1 over HTTP, as Olympus by ZEUS introduced it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, Method as HttpMethod, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{self, get, post};
use serde_json::{Value, json};
use tower_http::cors::CorsLayer;

use crate::fault::{self, HttpReply, Switch};
use crate::message::{Method, Object, Reading, RpcError, lsps1};
use crate::service::{Call, Service};

/// Where the three calls are mounted. Servers in the field differ, and clients come with fixed paths.
const BASES: [&str; 4] = ["/api/v1", "/api/lsps1/v1", "/v1", ""];

/// The longest body that is read, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// How long a client may take to send its body.
const BODY_PATIENCE: Duration = Duration::from_secs(10);

/// What clients add to a create_order without it being part of LSPS1.
const TOLERATED: &[&str] = &["client_info"];

/// The face to HTTP clients.
pub(crate) struct RestFace {
    /// What answers.
    pub(crate) service: Service,
    /// Where the node is to be reached, for `uris`.
    pub(crate) uri: String,
    /// Whether bodies are read as strictly as custom messages.
    pub(crate) strict: bool,
}

impl RestFace {
    /// The routes.
    pub(crate) fn router(self) -> Router {
        let mut router = Router::new();
        let any_verb = self.service.faults().on(Switch::RestServesAnyVerb);
        let info = || if any_verb { routing::any(get_info) } else { get(get_info) };
        for base in BASES {
            for end in ["", "/"] {
                router = router
                    .route(&format!("{base}/get_info{end}"), info())
                    .route(&format!("{base}/create_order{end}"), post(create_order))
                    .route(&format!("{base}/get_order{end}"), get(get_order));
            }
        }
        router
            .fallback(unknown_path)
            .method_not_allowed_fallback(wrong_verb)
            // Wallets that are web pages ask for leave first.
            .layer(CorsLayer::permissive())
            .with_state(Arc::new(self))
    }

    fn reading(&self) -> Reading {
        let reading = Reading::strict(self.service.network());
        let reading = if self.strict {
            reading
        } else {
            Reading { tolerated: TOLERATED, empty_means_absent: true, ..reading }
        };
        self.service.faults().reading(reading)
    }

    fn read_create_order(&self, body: &[u8]) -> Result<Call, RpcError> {
        let Ok(Value::Object(mut body)) = serde_json::from_slice(body) else {
            return Err(RpcError::parse_error());
        };
        self.receive(Method::CreateOrder, &mut body)?;
        let (client, request) = lsps1::read_rest_create_order(&body, &self.reading())?;
        Ok(Call::CreateOrder { client, request })
    }

    fn receive(&self, method: Method, params: &mut Object) -> Result<(), RpcError> {
        let scene = self.service.scene(Some(method));
        self.service.faults().receive(fault::Face::Rest, method, params, &scene)
    }

    /// Answers a call and notes both in the journal.
    async fn answer(
        &self,
        method: Method,
        request: &str,
        body: &[u8],
        call: Result<Call, RpcError>,
    ) -> Response {
        let outcome = match call {
            Ok(call) => self.service.answer(call).await.map(|result| self.dress(method, result)),
            Err(error) => Err(error),
        };
        let (status, answer) = match outcome {
            Ok(result) => (StatusCode::OK, Value::from(result)),
            Err(error) => self.write_error(error),
        };
        let content_type = "application/json";
        let mut reply = HttpReply { status: status.as_u16(), content_type, body: answer };
        self.service.faults().rewrite_http(method, &mut reply);
        let status = StatusCode::from_u16(reply.status).unwrap_or(status);
        let text = reply.body.to_string();
        let request = [request.as_bytes(), b"\n", body].concat();
        self.service.journal().note(
            self.service.now(),
            "rest".to_owned(),
            &request,
            Some(text.as_bytes()),
        );
        (status, [(header::CONTENT_TYPE, reply.content_type)], text).into_response()
    }

    /// Adds what REST says beyond LSPS1.
    fn dress(&self, method: Method, mut result: Object) -> Object {
        if method == Method::GetInfo {
            // No on-chain payments; both members are of LSPS1 before mid-2024, and clients still read them.
            result.insert("min_onchain_payment_confirmations".to_owned(), Value::Null);
            result.insert("min_onchain_payment_size_sat".to_owned(), Value::Null);
            if !self.service.faults().on(Switch::RestOmitsUris) {
                result.insert("uris".to_owned(), json!([self.uri]));
            }
        }
        result
    }

    /// The one shape of an error that every known client shows to its user: `error` as LSPS1 has it, and a `message`
    /// for people beside it.
    fn write_error(&self, error: RpcError) -> (StatusCode, Value) {
        let status = match error.code {
            1 => StatusCode::FORBIDDEN,
            101 => StatusCode::NOT_FOUND,
            -32603 => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        let message = error.human_text();
        let mut error = error.into_object();
        self.service.faults().rewrite_error(&mut error, &self.service.scene(None));
        if self.service.faults().on(Switch::RestErrorsAreOk) {
            return (StatusCode::OK, error.into());
        }
        (status, json!({"error": error, "message": message}))
    }
}

type Face = State<Arc<RestFace>>;

async fn get_info(State(face): Face) -> Response {
    face.answer(Method::GetInfo, "GET get_info", b"", Ok(Call::GetInfo)).await
}

async fn get_order(State(face): Face, Query(query): Query<Vec<(String, String)>>) -> Response {
    let order_id = query.into_iter().find(|(name, _)| name == "order_id").map(|(_, value)| value);
    let request = format!("GET get_order {}", order_id.as_deref().unwrap_or_default());
    let call = match order_id {
        Some(order_id) => {
            let mut params = Object::new();
            params.insert("order_id".to_owned(), order_id.as_str().into());
            let received = face.receive(Method::GetOrder, &mut params);
            received.map(|()| Call::GetOrder { order_id, reader: None })
        }
        None => Err(RpcError::invalid_param(
            "order_id",
            "order_id is missing; ask for get_order?order_id=ID",
            &[],
        )),
    };
    face.answer(Method::GetOrder, &request, b"", call).await
}

async fn create_order(State(face): Face, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = match read_body(&parts.headers, body).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let call = face.read_create_order(&body);
    face.answer(Method::CreateOrder, "POST create_order", &body, call).await
}

async fn read_body(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Response> {
    let content_type =
        headers.get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
    if content_type.is_some_and(|value| !is_json(value)) {
        let text = "send the body as JSON, with content-type: application/json";
        return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, -32700, text));
    }
    match tokio::time::timeout(BODY_PATIENCE, to_bytes(body, MAX_BODY)).await {
        Ok(Ok(bytes)) => Ok(bytes.into()),
        Ok(Err(_)) => Err(refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            -32700,
            "the body has to be complete and at most 64 KiB long",
        )),
        Err(_) => Err(refuse(
            StatusCode::REQUEST_TIMEOUT,
            -32700,
            "the body didn't arrive within 10 seconds",
        )),
    }
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

async fn unknown_path(uri: Uri) -> Response {
    let text = format!(
        "there is nothing at {}; the calls are GET /api/v1/get_info, POST /api/v1/create_order and GET /api/v1/get_order?order_id=ID",
        uri.path()
    );
    refuse(StatusCode::NOT_FOUND, -32601, &text)
}

async fn wrong_verb(method: HttpMethod, uri: Uri) -> Response {
    let text = format!(
        "{} takes no {method}; create_order takes POST, get_info and get_order take GET",
        uri.path()
    );
    refuse(StatusCode::METHOD_NOT_ALLOWED, -32601, &text)
}

fn refuse(status: StatusCode, code: i64, text: &str) -> Response {
    let body = json!({"error": {"code": code, "message": text, "data": {}}, "message": text});
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_support::service;

    #[test]
    fn any_body_is_an_order_or_a_refusal_with_a_reason() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let service = runtime.block_on(service());
        let face = RestFace { service, uri: String::new(), strict: false };
        proptest!(|(body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            "\\{\"public_key\":\\PC{0,80}\\}".prop_map(String::into_bytes),
        ])| {
            if let Err(error) = face.read_create_order(&body) {
                prop_assert!(matches!(error.code, -32700 | -32602));
                let (status, answer) = face.write_error(error);
                prop_assert_eq!(status, StatusCode::BAD_REQUEST);
                prop_assert!(!answer["message"].as_str().unwrap().is_empty());
            }
        });
    }

    #[test]
    fn json_goes_by_several_names() {
        for good in
            ["application/json", "Application/JSON; charset=utf-8", "application/vnd.x+json"]
        {
            assert!(is_json(good), "{good}");
        }
        for bad in ["", "text/json", "application/x-www-form-urlencoded", "json"] {
            assert!(!is_json(bad), "{bad}");
        }
    }
}
