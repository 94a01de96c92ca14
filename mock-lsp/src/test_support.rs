//! What the unit tests of several modules need.

use std::sync::Arc;

use bitcoin::Network;
use bitcoin::secp256k1::{PublicKey, Secp256k1, SecretKey};
use jiff::SignedDuration;
use lsps1_fixtures::node::{Node, NodeConfig};
use tokio::sync::mpsc;

use crate::clock::{ShiftedClock, SystemClock};
use crate::engine::sim::Sim;
use crate::fault::{Fault, Faults};
use crate::order::{Choices, Fee, PaymentWays, Terms};
use crate::service::{Service, Setup};

/// A public key.
pub(crate) fn some_key() -> PublicKey {
    SecretKey::from_slice(&[3; 32]).unwrap().public_key(&Secp256k1::new())
}

/// An honest service on the engine `sim`, running, which knows the token `good`.
pub(crate) async fn service() -> Service {
    service_with(&[]).await
}

/// A service with faults.
pub(crate) async fn service_with(faults: &[&str]) -> Service {
    let faults = faults.iter().map(|name| Fault::by_name(name).unwrap()).collect();
    let (node, _events) = Node::start(NodeConfig::message_peer("lsp", [9; 32])).await.unwrap();
    let (sender, events) = mpsc::unbounded_channel();
    let setup = Setup {
        terms: Terms::default(),
        fee: Fee::default(),
        payment: PaymentWays::default(),
        choices: Choices::default(),
        tokens: vec!["good".to_owned()],
        spent_tokens: vec!["spent".to_owned()],
        network: Network::Regtest,
        order_expiry: SignedDuration::from_hours(1),
        faults: Faults::new(faults),
        clock: ShiftedClock::new(Arc::new(SystemClock)),
        engine: Arc::new(Sim::new(node, Network::Regtest, [5; 32], sender)),
        seed: [5; 32],
    };
    let service = Service::new(setup, None).unwrap();
    tokio::spawn(service.clone().run(events));
    service
}
