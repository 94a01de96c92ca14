//! The control API.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod common;

use common::{control, create, get, order_body, read_order, start, states};
use mock_lsp::{Config, Fault, MockLsp, StartError};
use serde_json::json;

#[tokio::test]
async fn paying_and_opening_completes_an_order() {
    let lsp = start(Config::default()).await;
    let order = create(&lsp, &order_body()).await;
    let id = &order["order_id"];
    let (status, refusal) = control(&lsp, id, "open").await;
    assert_eq!((status, &refusal["error"]), (409, &json!("the order isn't paid")));

    let (status, held) = control(&lsp, id, "pay").await;
    assert_eq!((status, states(&held)), (200, ("CREATED", "HOLD", false)));
    assert_eq!(control(&lsp, id, "pay").await.0, 409);
    let (status, opened) = control(&lsp, id, "open").await;
    assert_eq!((status, states(&opened)), (200, ("COMPLETED", "PAID", true)));
    let channel = &opened["channel"];
    let outpoint = channel["funding_outpoint"].as_str().unwrap();
    assert_eq!((outpoint.len(), outpoint.ends_with(":0")), (66, true));
    for operation in ["pay", "open", "fail", "expire"] {
        assert_eq!(control(&lsp, id, operation).await.0, 409, "{operation}");
    }
    let read = read_order(&lsp, id).await;
    assert_eq!(&read["channel"], channel);
    assert_eq!(read["payment"]["bolt11"]["invoice"], order["payment"]["bolt11"]["invoice"]);
}

#[tokio::test]
async fn failing_and_expiring_sends_the_payment_back() {
    let lsp = start(Config::default()).await;
    for (operation, is_paid) in
        [("fail", false), ("fail", true), ("expire", false), ("expire", true)]
    {
        let order = create(&lsp, &order_body()).await;
        if is_paid {
            control(&lsp, &order["order_id"], "pay").await;
        }
        let (status, ended) = control(&lsp, &order["order_id"], operation).await;
        assert_eq!((status, states(&ended)), (200, ("FAILED", "REFUNDED", false)), "{operation}");
        assert_eq!(control(&lsp, &order["order_id"], "pay").await.0, 409);
    }
}

#[tokio::test]
async fn it_lists_orders_messages_and_its_health() {
    let lsp = start(Config::default()).await;
    let order = create(&lsp, &order_body()).await;
    let (status, orders) = get(format!("{}/orders", lsp.control_url())).await;
    assert_eq!((status, &orders["orders"][0]["order_id"]), (200, &order["order_id"]));
    assert_eq!(orders["orders"][0]["public_key"], common::KEY);
    let id = order["order_id"].as_str().unwrap();
    assert_eq!(get(format!("{}/orders/{id}", lsp.control_url())).await.0, 200);
    assert_eq!(get(format!("{}/orders/nope", lsp.control_url())).await.0, 404);
    assert_eq!(control(&lsp, &json!("nope"), "pay").await.0, 404);
    assert_eq!(control(&lsp, &order["order_id"], "nope").await.0, 404);
    let (_, health) = get(format!("{}/health", lsp.control_url())).await;
    assert_eq!(
        (&health["status"], &health["engine"], &health["orders"]),
        (&json!("ok"), &json!("sim"), &json!(1))
    );
    let (_, journal) = get(format!("{}/journal", lsp.control_url())).await;
    assert!(journal["exchanges"][0]["answer"].as_str().unwrap().contains(id));
}

#[tokio::test]
async fn a_public_control_address_needs_consent() {
    let mut config = Config::default();
    config.control = "0.0.0.0:0".parse().unwrap();
    let refused = MockLsp::start(config.clone()).await.err().unwrap();
    assert!(matches!(refused, StartError::Config(_)), "{refused}");
    config.control_is_public = true;
    let lsp = start(config).await;
    assert_eq!(get(format!("{}/health", lsp.control_url())).await.0, 200);
}

#[tokio::test]
async fn a_skipped_hold_is_never_shown() {
    let mut config = Config::default();
    config.faults = vec![Fault::by_name("skip-hold").unwrap()];
    let lsp = start(config).await;
    let order = create(&lsp, &order_body()).await;
    control(&lsp, &order["order_id"], "pay").await;
    assert_eq!(
        states(&read_order(&lsp, &order["order_id"]).await),
        ("CREATED", "EXPECT_PAYMENT", false)
    );
    let opened = control(&lsp, &order["order_id"], "open").await.1;
    assert_eq!(states(&opened), ("COMPLETED", "PAID", true));
}

#[tokio::test]
async fn a_taken_port_is_named_and_a_shutdown_frees_it() {
    let lsp = start(Config::default()).await;
    let mut config = Config::default();
    config.rest =
        lsp.rest_url().trim_start_matches("http://").trim_end_matches("/api/v1").parse().unwrap();
    let refused = MockLsp::start(config.clone()).await.err().unwrap().to_string();
    assert!(refused.contains(&config.rest.to_string()) && refused.contains("port"), "{refused}");
    lsp.shutdown().await;
    start(config).await;
}
