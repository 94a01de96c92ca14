//! The control API.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod common;

use common::{
    REFUND_ADDRESS, control, control_with, create, get, order_body, post, read_order, start,
    states, wait_for_order, with,
};
use mock_lsp::{Config, Fault, MockLsp, StartError};
use serde_json::{Value, json};

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

/// An order with all payment options.
async fn create_payable(lsp: &MockLsp) -> Value {
    create(lsp, &with(order_body(), "refund_onchain_address", json!(REFUND_ADDRESS))).await
}

fn option_states(order: &Value) -> [&str; 3] {
    ["bolt11", "bolt12", "onchain"]
        .map(|option| order["payment"][option]["state"].as_str().unwrap_or("?"))
}

#[tokio::test]
async fn an_offer_can_be_paid() {
    let lsp = start(Config::default()).await;
    let order = create_payable(&lsp).await;
    assert_eq!(option_states(&order), ["EXPECT_PAYMENT"; 3]);
    let (id, by_offer) = (&order["order_id"], json!({"option": "bolt12"}));
    let (status, held) = control_with(&lsp, id, "pay", &by_offer).await;
    assert_eq!((status, option_states(&held)), (200, ["REFUNDED", "HOLD", "EXPECT_PAYMENT"]));
    assert_eq!(control(&lsp, id, "pay").await.0, 409, "the offer was first");
    let opened = control(&lsp, id, "open").await.1;
    assert_eq!(option_states(&opened), ["REFUNDED", "PAID", "EXPECT_PAYMENT"]);
    assert_eq!(
        (&opened["paid_by"], &opened["order_state"]),
        (&json!("bolt12"), &json!("COMPLETED"))
    );
}

#[tokio::test]
async fn coins_add_up_and_go_back_when_the_order_fails() {
    let lsp = start(Config::default()).await;
    let order = create_payable(&lsp).await;
    let (id, onchain) = (&order["order_id"], &order["payment"]["onchain"]);
    assert_eq!(onchain["refund_onchain_address"], REFUND_ADDRESS);
    let pay = |sat: u64, confirmations: u32| json!({"option": "onchain", "amount_sat": sat, "confirmations": confirmations, "sat_per_kwu": 2_500});
    let total: u64 = onchain["order_total_sat"].as_str().unwrap().parse().unwrap();
    control_with(&lsp, id, "pay", &pay(total - 1_000, 1)).await;
    let (_, part) = control_with(&lsp, id, "pay", &pay(1_000, 0)).await;
    assert_eq!(option_states(&part), ["EXPECT_PAYMENT"; 3], "not more than min_fee_for_0conf");
    assert_eq!(post(format!("{}/blocks", lsp.control_url()), &json!({"count": 1})).await.0, 200);
    let paid = read_order(&lsp, id).await;
    assert_eq!(option_states(&paid), ["REFUNDED", "REFUNDED", "PAID"]);

    let failed = control(&lsp, id, "fail").await.1;
    assert_eq!(option_states(&failed), ["REFUNDED"; 3]);
    assert_eq!((&failed["order_state"], &failed["channel"]), (&json!("FAILED"), &Value::Null));
}

#[tokio::test]
async fn a_small_order_is_paid_at_once_by_a_dear_transaction() {
    let lsp = start(Config::default()).await;
    let order = create_payable(&lsp).await;
    assert_eq!(order["payment"]["onchain"]["min_onchain_payment_confirmations"], 0);
    let body = json!({"option": "onchain", "confirmations": 0, "sat_per_kwu": 2_501});
    let paid = control_with(&lsp, &order["order_id"], "pay", &body).await.1;
    assert_eq!(option_states(&paid)[2], "PAID");
    let opened = control(&lsp, &order["order_id"], "open").await.1;
    assert_eq!((&opened["order_state"], option_states(&opened)[2]), (&json!("COMPLETED"), "PAID"));
}

#[tokio::test]
async fn the_clock_can_be_moved() {
    let lsp = start(Config::default()).await;
    let order = create_payable(&lsp).await;
    let clock = format!("{}/clock", lsp.control_url());
    assert_eq!(post(clock.clone(), &json!({"advance_seconds": 3_599})).await.0, 200);
    assert_eq!(read_order(&lsp, &order["order_id"]).await["order_state"], "CREATED");
    post(clock.clone(), &json!({"advance_seconds": 2})).await;
    wait_for_order(&lsp, &order["order_id"], |order| {
        (option_states(order), &order["order_state"])
            == (["REFUNDED", "REFUNDED", "EXPECT_PAYMENT"], &json!("FAILED"))
    })
    .await;
    let late = json!({"option": "onchain"});
    let refunded = control_with(&lsp, &order["order_id"], "pay", &late).await.1;
    assert_eq!(option_states(&refunded)[2], "REFUNDED");
    assert_eq!(post(clock, &json!({"back": 1})).await.0, 400);
}

#[tokio::test]
async fn only_what_is_offered_can_be_paid() {
    let mut config = Config::default();
    (config.payment.bolt12, config.payment.onchain) = (false, None);
    let lsp = start(config).await;
    let order = create_payable(&lsp).await;
    assert_eq!(order["payment"].as_object().unwrap().keys().collect::<Vec<_>>(), ["bolt11"]);
    for option in ["bolt12", "onchain"] {
        let body = json!({ "option": option });
        assert_eq!(control_with(&lsp, &order["order_id"], "pay", &body).await.0, 409);
    }
    let unknown = json!({"option": "cash"});
    assert_eq!(control_with(&lsp, &order["order_id"], "pay", &unknown).await.0, 400);
}
