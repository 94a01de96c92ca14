//! The control API: what the operator does by hand. It is no part of LSPS1.
//!
//! | call | effect |
//! |---|---|
//! | `GET /health` | says that the mock is up, its engine and how many orders it has |
//! | `GET /orders` | all orders, oldest first |
//! | `GET /orders/{id}` | one order |
//! | `POST /orders/{id}/pay` | `sim`: a payment arrives; by default the whole by BOLT 11, or as the body says |
//! | `POST /orders/{id}/open` | its channel is opened without waiting for the client; in `sim` that completes a paid order |
//! | `POST /orders/{id}/fail` | it fails; a held payment goes back |
//! | `POST /orders/{id}/expire` | it expires now; a held payment goes back |
//! | `POST /blocks` | `sim`: as many blocks are found as the body says: `{"count": 1}` |
//! | `POST /clock` | the clock moves on: `{"advance_seconds": 3600}` |
//! | `GET /journal` | the last 1,000 exchanges |
//!
//! The body of `pay`, with what is left out: `{"option": "bolt11", "amount_sat": the total, "confirmations": 6,
//! "sat_per_kwu": 0}`. The last two are about `onchain`: how deep the payment is in the chain, and the fee rate of its
//! transaction in sat per 1000 weight units.
//!
//! A `POST` to an order answers with the order as it is afterwards, 404 for an unknown order, 400 for a body that isn't
//! understood, and 409 where the order's state doesn't allow it. Errors are `{"error": "text"}`.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use jiff::SignedDuration;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::message::{Object, lsps1};
use crate::order::{Choices, Opening, Order, PaymentOption};
use crate::service::{DriveError, Operation, OperationError, Pretence, Service};

/// The routes.
pub(crate) fn router(service: Service) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/journal", get(journal))
        .route("/blocks", post(mine))
        .route("/clock", post(advance))
        .route("/orders", get(orders))
        .route("/orders/{id}", get(order))
        .route("/orders/{id}/{operation}", post(operate))
        .fallback(|| async {
            refuse(StatusCode::NOT_FOUND, "there is no such call; see --help for the control API")
        })
        .method_not_allowed_fallback(|| async {
            refuse(StatusCode::METHOD_NOT_ALLOWED, "reading is GET, changing an order is POST")
        })
        .with_state(service)
}

async fn health(State(service): State<Service>) -> Json<Value> {
    let orders = service.orders().len();
    Json(
        json!({"status": "ok", "engine": service.engine_name(), "orders": orders, "now": service.now()}),
    )
}

async fn journal(State(service): State<Service>) -> Json<Value> {
    Json(json!({"exchanges": service.journal().entries()}))
}

async fn orders(State(service): State<Service>) -> Json<Value> {
    let orders: Vec<Object> =
        service.orders().iter().map(|order| describe(order, service.choices())).collect();
    Json(json!({"orders": orders}))
}

async fn order(State(service): State<Service>, Path(id): Path<String>) -> Response {
    match service.order(&id) {
        Some(order) => Json(describe(&order, service.choices())).into_response(),
        None => refuse(StatusCode::NOT_FOUND, &OperationError::NoSuchOrder.to_string()),
    }
}

async fn operate(
    State(service): State<Service>,
    Path((id, operation)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let operation = match operation.as_str() {
        "pay" => match read_pretence(&body) {
            Ok(pretence) => Operation::Pay(pretence),
            Err(problem) => return refuse(StatusCode::BAD_REQUEST, &problem),
        },
        "expire" => Operation::Expire,
        "fail" => Operation::Fail,
        "open" => Operation::Open,
        _ => {
            return refuse(
                StatusCode::NOT_FOUND,
                "an order can be made to pay, open, fail or expire",
            );
        }
    };
    match service.operate(&id, operation).await {
        Ok(order) => Json(describe(&order, service.choices())).into_response(),
        Err(error) => refuse_operation(&error),
    }
}

/// The body of `pay`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PayBody {
    option: Option<String>,
    amount_sat: Option<u64>,
    confirmations: Option<u32>,
    sat_per_kwu: Option<u32>,
}

/// The body of `blocks`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BlocksBody {
    count: u32,
}

/// The body of `clock`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockBody {
    advance_seconds: u32,
}

fn read_pretence(body: &[u8]) -> Result<Pretence, String> {
    let body = if body.is_empty() {
        PayBody::default()
    } else {
        read::<Option<PayBody>>(body)?.unwrap_or_default()
    };
    let default = Pretence::default();
    let option = match body.option {
        Some(name) => {
            PaymentOption::from_name(&name).ok_or("option has to be bolt11, bolt12 or onchain")?
        }
        None => default.option,
    };
    Ok(Pretence {
        option,
        amount_sat: body.amount_sat,
        confirmations: body.confirmations.unwrap_or(default.confirmations),
        sat_per_kwu: body.sat_per_kwu.unwrap_or(default.sat_per_kwu),
    })
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| format!("the body isn't understood: {error}"))
}

async fn mine(State(service): State<Service>, body: Bytes) -> Response {
    match read::<BlocksBody>(&body).map(|body| service.mine(body.count)) {
        Ok(Ok(())) => Json(json!({})).into_response(),
        Ok(Err(error)) => refuse_operation(&error),
        Err(problem) => refuse(StatusCode::BAD_REQUEST, &problem),
    }
}

async fn advance(State(service): State<Service>, body: Bytes) -> Response {
    match read::<ClockBody>(&body) {
        Ok(body) => {
            let now = service.advance_clock(SignedDuration::from_secs(body.advance_seconds.into()));
            Json(json!({ "now": now })).into_response()
        }
        Err(problem) => refuse(StatusCode::BAD_REQUEST, &problem),
    }
}

fn refuse_operation(error: &OperationError) -> Response {
    let status = match error {
        OperationError::NoSuchOrder => StatusCode::NOT_FOUND,
        OperationError::Drive(DriveError::NotStored(_)) => StatusCode::INTERNAL_SERVER_ERROR,
        OperationError::Drive(_) | OperationError::Real | OperationError::NoSuchOption => {
            StatusCode::CONFLICT
        }
    };
    refuse(status, &error.to_string())
}

/// The order as clients see it, and what they don't see.
fn describe(order: &Order, choices: Choices) -> Object {
    let mut description = lsps1::write_order(order, choices);
    let opening = match order.opening {
        Opening::Unasked => "unasked",
        Opening::WaitingForPeer => "waiting_for_peer",
        Opening::Underway => "underway",
        Opening::Over => "over",
    };
    description.insert("public_key".to_owned(), order.client.to_string().into());
    description.insert("opening".to_owned(), opening.into());
    description.insert("paid_by".to_owned(), order.paid_by.map(PaymentOption::wire).into());
    description
}

fn refuse(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({"error": text}))).into_response()
}
