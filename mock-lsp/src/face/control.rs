//! The control API: what the operator does by hand. It is no part of LSPS1.
//!
//! | call | effect |
//! |---|---|
//! | `GET /health` | says that the mock is up, its engine and how many orders it has |
//! | `GET /orders` | all orders, oldest first |
//! | `GET /orders/{id}` | one order |
//! | `POST /orders/{id}/pay` | `sim`: its payment arrives and is held |
//! | `POST /orders/{id}/open` | its channel is opened without waiting for the client; in `sim` that completes a paid order |
//! | `POST /orders/{id}/fail` | it fails; a held payment goes back |
//! | `POST /orders/{id}/expire` | it expires now; a held payment goes back |
//! | `GET /journal` | the last 1,000 exchanges |
//!
//! A `POST` answers with the order as it is afterwards, 404 for an unknown order, and 409 where the order's state
//! doesn't allow it. Errors are `{"error": "text"}`.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::message::{Object, lsps1};
use crate::order::{Opening, Order};
use crate::service::{Operation, OperationError, Service};

/// The routes.
pub(crate) fn router(service: Service) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/journal", get(journal))
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
    let orders: Vec<Object> = service.orders().iter().map(describe).collect();
    Json(json!({"orders": orders}))
}

async fn order(State(service): State<Service>, Path(id): Path<String>) -> Response {
    match service.order(&id) {
        Some(order) => Json(describe(&order)).into_response(),
        None => refuse(StatusCode::NOT_FOUND, &OperationError::NoSuchOrder.to_string()),
    }
}

async fn operate(
    State(service): State<Service>,
    Path((id, operation)): Path<(String, String)>,
) -> Response {
    let operation = match operation.as_str() {
        "pay" => Operation::Pay,
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
        Ok(order) => Json(describe(&order)).into_response(),
        Err(error) => {
            let status = match error {
                OperationError::NoSuchOrder => StatusCode::NOT_FOUND,
                OperationError::Ignored(_) | OperationError::RealPayments => StatusCode::CONFLICT,
            };
            refuse(status, &error.to_string())
        }
    }
}

/// The order as clients see it, and what they don't see.
fn describe(order: &Order) -> Object {
    let mut description = lsps1::write_order(order);
    let opening = match order.opening {
        Opening::Unasked => "unasked",
        Opening::WaitingForPeer => "waiting_for_peer",
        Opening::Underway => "underway",
        Opening::Over => "over",
    };
    description.insert("public_key".to_owned(), order.client.to_string().into());
    description.insert("opening".to_owned(), opening.into());
    description
}

fn refuse(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({"error": text}))).into_response()
}
