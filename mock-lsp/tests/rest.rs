//! The REST dialect, as clients meet it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod common;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use common::{
    KEY, control, create, get, order_body, post, read, read_order, start, states, wait_for_order,
    with, without,
};
use jiff::Timestamp;
use lightning_invoice::{Bolt11Invoice, Currency};
use mock_lsp::{Config, Fault, Fee, ManualClock, MockLsp};
use reqwest::{Client, Method};
use serde_json::{Value, json};

fn sat(value: &Value) -> u64 {
    value.as_str().unwrap().parse().unwrap()
}

/// The status and error of a create_order that is refused, which leaves no order behind.
async fn refused(lsp: &MockLsp, body: Value) -> (u16, Value) {
    let (status, answer) = post(format!("{}/create_order", lsp.rest_url()), &body).await;
    assert!(answer["message"].as_str().is_some_and(|text| !text.is_empty()), "{answer}");
    let error = answer["error"].clone();
    assert!(error["message"].is_string() && error["data"].is_object(), "{answer}");
    assert!(!answer.to_string().contains("order_id"), "{answer}");
    (status, error)
}

#[tokio::test]
async fn an_order_is_priced_invoiced_and_read_again() {
    let fee = Fee { base_sat: 500, ppm: 10_000, ppm_per_block: 1 };
    let mut config = Config::default();
    config.fee = fee;
    let lsp = start(config).await;
    let order = create(&lsp, &order_body()).await;
    let bolt11 = &order["payment"]["bolt11"];
    // 500 + 100,000 * (10,000 + 144) / 1,000,000 = 500 + 1014.4
    assert_eq!((sat(&bolt11["fee_total_sat"]), sat(&bolt11["order_total_sat"])), (1_515, 3_515));
    assert_eq!(states(&order), ("CREATED", "EXPECT_PAYMENT", false));
    assert_eq!(order.as_object().unwrap().get("channel"), Some(&Value::Null));
    assert_eq!(order["token"], "");

    let invoice = Bolt11Invoice::from_str(bolt11["invoice"].as_str().unwrap()).unwrap();
    assert_eq!(invoice.amount_milli_satoshis(), Some(3_515_000));
    assert_eq!(invoice.currency(), Currency::Regtest);
    assert_eq!(invoice.recover_payee_pub_key().to_string(), lsp.p2p().split('@').next().unwrap());
    assert!(invoice.min_final_cltv_expiry_delta() >= 144);
    let expires_at = Timestamp::from_str(bolt11["expires_at"].as_str().unwrap()).unwrap();
    let invoice_end = invoice.duration_since_epoch() + invoice.expiry_time();
    assert!(expires_at.as_millisecond() <= i64::try_from(invoice_end.as_millis()).unwrap());

    assert_eq!(read_order(&lsp, &order["order_id"]).await, order);
    let again = create(&lsp, &order_body()).await;
    assert_ne!(again["order_id"], order["order_id"]);
    assert_ne!(again["payment"]["bolt11"]["invoice"], bolt11["invoice"]);
}

#[tokio::test]
async fn the_calls_are_where_clients_look_for_them() {
    let lsp = start(Config::default()).await;
    let origin = lsp.rest_url().replace("/api/v1", "");
    for base in ["/api/v1", "/api/lsps1/v1", "/v1", ""] {
        for end in ["", "/"] {
            let (status, info) = get(format!("{origin}{base}/get_info{end}")).await;
            assert_eq!((status, &info["uris"][0]), (200, &json!(lsp.p2p())));
        }
    }
    for (path, status) in [("/nope", 404), ("", 404), ("/api/v1/get_info/x", 404), ("/%ff%00", 404)]
    {
        let (found, answer) = get(format!("{origin}{path}")).await;
        assert_eq!(found, status, "{path}: {answer}");
        assert!(answer["message"].as_str().unwrap().contains("get_info"));
    }
    for (method, call) in
        [(Method::POST, "get_info"), (Method::GET, "create_order"), (Method::DELETE, "get_order")]
    {
        let response = Client::new()
            .request(method, format!("{}/{call}", lsp.rest_url()))
            .send()
            .await
            .unwrap();
        assert!(response.headers().contains_key("allow"));
        assert_eq!(read(response).await.0, 405, "{call}");
    }
}

#[tokio::test]
async fn web_pages_get_leave_to_call() {
    let lsp = start(Config::default()).await;
    let preflight = Client::new()
        .request(Method::OPTIONS, format!("{}/create_order", lsp.rest_url()))
        .header("origin", "https://wallet.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type")
        .send()
        .await
        .unwrap();
    assert!(preflight.status().is_success());
    for name in [
        "access-control-allow-origin",
        "access-control-allow-methods",
        "access-control-allow-headers",
    ] {
        assert_eq!(preflight.headers()[name], "*", "{name}");
    }
}

#[tokio::test]
async fn what_wallets_send_beyond_lsps1_is_taken() {
    let lsp = start(Config::default()).await;
    let zeus = with(with(order_body(), "token", json!("")), "refund_onchain_address", json!(""));
    let zeus = with(zeus, "client_info", json!({"app": "ZEUS"}));
    let order = create(&lsp, &zeus).await;
    assert!(order["payment"].get("onchain").is_none());
    let nulls =
        with(with(order_body(), "token", Value::Null), "refund_onchain_address", Value::Null);
    create(&lsp, &with(nulls, "public_key", json!(KEY.to_uppercase()))).await;

    let mut config = Config::default();
    config.strict_rest = true;
    let strict = start(config).await;
    create(&strict, &with(order_body(), "token", json!(""))).await;
    for (name, value) in
        [("client_info", json!({})), ("token", Value::Null), ("refund_onchain_address", json!(""))]
    {
        assert_eq!(
            refused(&strict, with(order_body(), name, value)).await.1["code"],
            -32602,
            "{name}"
        );
    }
}

#[tokio::test]
async fn refusals_name_what_is_wrong() {
    let mut config = Config::default();
    config.tokens = vec!["good".to_owned()];
    let lsp = start(config).await;
    let off_curve = format!("02{}05", "00".repeat(31));
    let bad_params = [
        ("public_key", json!(off_curve)),
        ("public_key", json!("04")),
        ("lsp_balance_sat", json!(100_000)),
        ("lsp_balance_sat", json!("0")),
        ("channel_expiry_blocks", Value::Null),
        ("announce_channel", json!("yes")),
        ("refund_onchain_address", json!("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")),
    ];
    for (name, value) in bad_params {
        let (status, error) = refused(&lsp, with(order_body(), name, value)).await;
        assert_eq!(
            (status, &error["code"], &error["data"]["property"]),
            (400, &json!(-32602), &json!(name))
        );
    }
    for name in ["public_key", "lsp_balance_sat", "announce_channel"] {
        let (status, error) = refused(&lsp, without(order_body(), name)).await;
        assert_eq!((status, &error["data"]["property"]), (400, &json!(name)));
    }
    let (status, error) = refused(&lsp, with(order_body(), "zz", json!(1))).await;
    assert_eq!((status, &error["data"]["unrecognized"]), (400, &json!(["zz"])));
    let (status, error) =
        refused(&lsp, with(order_body(), "channel_expiry_blocks", json!(13_001))).await;
    let property = &error["data"]["property"];
    assert_eq!(
        (status, &error["code"], property),
        (400, &json!(100), &json!("max_channel_expiry_blocks"))
    );
    let (status, error) = refused(&lsp, with(order_body(), "token", json!("bad"))).await;
    assert_eq!((status, &error["code"], &error["data"]), (400, &json!(102), &json!({})));
    create(&lsp, &with(order_body(), "token", json!("good"))).await;
    let (status, answer) = get(format!("{}/get_order?order_id=nope", lsp.rest_url())).await;
    assert_eq!(
        (status, &answer["error"]["code"], &answer["error"]["data"]),
        (404, &json!(101), &json!({}))
    );
    let (status, answer) = get(format!("{}/get_order", lsp.rest_url())).await;
    assert_eq!((status, &answer["error"]["data"]["property"]), (400, &json!("order_id")));
}

#[tokio::test]
async fn bodies_that_are_no_orders_are_refused_and_nothing_is_lost() {
    let lsp = start(Config::default()).await;
    let order = create(&lsp, &order_body()).await;
    let url = format!("{}/create_order", lsp.rest_url());
    let cases: [(&str, Vec<u8>, u16); 8] = [
        ("application/json", b"".to_vec(), 400),
        ("application/json", b"{".to_vec(), 400),
        ("application/json", b"[]".to_vec(), 400),
        ("application/json", vec![0xff; 100], 400),
        ("application/json", vec![b'['; 60_000], 400),
        ("application/json", vec![b' '; 65_537], 413),
        ("text/plain", order_body().to_string().into(), 415),
        ("\u{7f}", order_body().to_string().into(), 415),
    ];
    for (content_type, body, expected) in cases {
        let request = Client::new().post(&url).body(body);
        let request = match reqwest::header::HeaderValue::from_str(content_type) {
            Ok(value) => request.header("content-type", value),
            Err(_) => request.header("content-type", "image/png"),
        };
        let (status, answer) = read(request.send().await.unwrap()).await;
        assert_eq!(status, expected, "{content_type}: {answer}");
        assert!(answer["error"]["code"].is_i64());
    }
    assert_eq!(read_order(&lsp, &order["order_id"]).await, order);
}

#[tokio::test]
async fn an_order_expires_with_the_clock() {
    let clock = ManualClock::new("2026-03-01T00:00:00.123456Z".parse().unwrap());
    let mut config = Config::default();
    config.clock = Arc::new(clock.clone());
    config.order_expiry = Duration::from_secs(600);
    let lsp = start(config).await;
    let unpaid = create(&lsp, &order_body()).await;
    assert_eq!(unpaid["created_at"], "2026-03-01T00:00:00.123Z");
    assert_eq!(unpaid["payment"]["bolt11"]["expires_at"], "2026-03-01T00:10:00.123Z");
    clock.advance(Duration::from_secs(300));
    let paid = create(&lsp, &order_body()).await;
    control(&lsp, &paid["order_id"], "pay").await;

    clock.advance(Duration::from_secs(299));
    assert_eq!(
        states(&read_order(&lsp, &unpaid["order_id"]).await),
        ("CREATED", "EXPECT_PAYMENT", false)
    );
    clock.advance(Duration::from_secs(1));
    let failed = |order: &Value| states(order) == ("FAILED", "REFUNDED", false);
    let expired = wait_for_order(&lsp, &unpaid["order_id"], failed).await;
    assert_eq!(expired["created_at"], unpaid["created_at"]);
    assert_eq!(control(&lsp, &unpaid["order_id"], "pay").await.0, 409);
    assert_eq!(states(&read_order(&lsp, &paid["order_id"]).await), ("CREATED", "HOLD", false));
    clock.advance(Duration::from_secs(300));
    wait_for_order(&lsp, &paid["order_id"], failed).await;
}

#[tokio::test]
async fn a_seed_gives_the_same_node_and_order_ids_again() {
    let mut config = Config::default();
    config.seed = Some([7; 32]);
    let (one, two) = (start(config.clone()).await, start(config).await);
    assert_eq!(one.p2p().split('@').next(), two.p2p().split('@').next());
    let (first, second) = (create(&one, &order_body()).await, create(&two, &order_body()).await);
    assert_eq!(first["order_id"], second["order_id"]);
    let other = start(Config::default()).await;
    assert_ne!(one.p2p().split('@').next(), other.p2p().split('@').next());
}

#[tokio::test]
async fn faults_show_on_rest_too() {
    let faulty = async |name: &str| {
        let mut config = Config::default();
        config.faults = vec![Fault::by_name(name).unwrap()];
        start(config).await
    };
    let lsp = faulty("sat-as-number").await;
    assert!(create(&lsp, &order_body()).await["payment"]["bolt11"]["fee_total_sat"].is_u64());

    let lsp = faulty("order-id-too-long").await;
    let order = create(&lsp, &order_body()).await;
    assert!(order["order_id"].as_str().unwrap().len() > 64);
    assert_eq!(read_order(&lsp, &order["order_id"]).await, order);

    let lsp = faulty("invoice-wrong-amount").await;
    let bolt11 = create(&lsp, &order_body()).await["payment"]["bolt11"].clone();
    let invoice = Bolt11Invoice::from_str(bolt11["invoice"].as_str().unwrap()).unwrap();
    assert_eq!(
        invoice.amount_milli_satoshis(),
        Some((sat(&bolt11["order_total_sat"]) + 1) * 1_000)
    );

    let lsp = faulty("nested-options").await;
    let (_, info) = get(format!("{}/get_info", lsp.rest_url())).await;
    assert!(info["options"]["max_channel_expiry_blocks"].is_u64() && info["uris"].is_array());
}
