//! `lsps1.create_order`.

use std::time::Duration;

use bitcoin::Address;
use bitcoin::address::NetworkUnchecked;
use bitcoin::hashes::{Hash, sha256};
use bitcoin::secp256k1::PublicKey;
use jiff::{SignedDuration, Timestamp};

use super::store::Secrets;
use super::{Service, watched};
use crate::engine::{InvoiceTerms, OfferTerms};
use crate::fault::Switch;
use crate::message::RpcError;
use crate::order::{
    LightningKey, LightningPayment, LightningState, OnchainPayment, Opening, Order, OrderRequest,
    OrderState, Price, Quote,
};

/// An order that is being made.
pub(super) struct Draft {
    pub(super) id: String,
    pub(super) created_at: Timestamp,
    pub(super) price: Price,
    pub(super) secrets: Secrets,
}

impl Service {
    /// Makes an order, or says why not. An order that is refused leaves nothing behind.
    pub(super) async fn create_order(
        &self,
        client: PublicKey,
        request: OrderRequest,
    ) -> Result<Order, RpcError> {
        self.check_options(&request)?;
        self.check_token(&request)?;
        self.check_refund_address(&request)?;
        let quote = self.quote(&request)?;
        if let Some(order) = self.earlier_order(&client, &request) {
            return Ok(order);
        }

        let secrets = self.draw_secrets();
        let created_at = self.now();
        // The default lease ends centuries before time does.
        let expires_at =
            created_at.checked_add(self.parts.setup.order_expiry).unwrap_or(Timestamp::MAX);
        let price = Price {
            expires_at,
            fee_total_sat: quote.fee_total_sat,
            order_total_sat: quote.order_total_sat,
        };
        let draft = Draft { id: self.order_id(&secrets), created_at, price, secrets };
        let bolt11 = self.bolt11(&draft).await?;
        let bolt12 = self.bolt12(&draft).await;
        let onchain = self.onchain(&draft, &request).await;
        let order = Order {
            id: draft.id,
            client,
            request,
            created_at,
            state: OrderState::Created,
            opening: Opening::Unasked,
            paid_by: None,
            bolt11,
            bolt12,
            onchain,
            channel: None,
        };
        let is_kept = self.parts.store.lock().insert(order.clone()).map_err(|error| {
            tracing::error!("failed to {error}");
            RpcError::internal()
        })?;
        if !is_kept {
            return Err(RpcError::client_rejected(
                "there are too many open orders; try again later",
            ));
        }
        self.parts.new_wakeup.notify_one();
        if let Some(onchain) = &order.onchain {
            self.parts.setup.engine.watch(watched(&order.id, onchain));
        }
        tracing::info!(order = order.id, %client, total_sat = quote.order_total_sat, "created");
        Ok(order)
    }

    /// An order like this one, where a fault doesn't make another.
    fn earlier_order(&self, client: &PublicKey, request: &OrderRequest) -> Option<Order> {
        if !self.faults().on(Switch::CreatesOnce) {
            return None;
        }
        let is_same = |order: &&Order| order.client == *client && order.request == *request;
        self.parts.store.lock().orders().find(is_same).cloned()
    }

    pub(super) fn draw_secrets(&self) -> Secrets {
        let mut store = self.parts.store.lock();
        let mut secrets = store.draw();
        if self.faults().on(Switch::RepeatsInvoices) {
            secrets.preimage = [1; 32];
        }
        if let Some(last) = store.orders().last()
            && self.faults().on(Switch::RepeatsOrderIds)
            && store.orders().filter(|order| order.id == last.id).count() == 1
        {
            secrets.id = uuid::Uuid::parse_str(&last.id).map_or(secrets.id, uuid::Uuid::into_bytes);
        }
        secrets
    }

    fn check_options(&self, request: &OrderRequest) -> Result<(), RpcError> {
        let terms = self.faults().hold_to(self.parts.setup.terms.clone());
        if self.faults().on(Switch::TakesZeroBalance) && request.lsp_balance_sat == 0 {
            return Ok(());
        }
        terms.check(request).map_err(|mismatch| RpcError::option_mismatch(&mismatch))
    }

    fn check_token(&self, request: &OrderRequest) -> Result<(), RpcError> {
        match &request.token {
            Some(token) if !self.is_good(token) => Err(RpcError::invalid_token()),
            _ => Ok(()),
        }
    }

    /// Any that can be read is right; without payment on the chain it is of no use, and does no harm.
    fn check_refund_address(&self, request: &OrderRequest) -> Result<(), RpcError> {
        let is_refused = request.refund_onchain_address.is_some()
            && self.faults().on(Switch::RefusesRefundsWhenOff);
        let error = || RpcError::invalid_param("refund_onchain_address", "it is of no use", &[]);
        if is_refused { Err(error()) } else { Ok(()) }
    }

    fn is_good(&self, token: &String) -> bool {
        let setup = &self.parts.setup;
        let taken_again =
            self.faults().on(Switch::TakesSpentTokens) && setup.spent_tokens.contains(token);
        setup.tokens.contains(token) || taken_again || self.faults().on(Switch::TakesAnyToken)
    }

    fn quote(&self, request: &OrderRequest) -> Result<Quote, RpcError> {
        self.parts.setup.fee.quote(request).ok_or_else(|| {
            tracing::error!("failed to price an order: the fee is more than an invoice can ask for; lower the --fee-… flags");
            RpcError::internal()
        })
    }

    fn order_id(&self, secrets: &Secrets) -> String {
        let id = uuid::Builder::from_random_bytes(secrets.id).into_uuid();
        if self.faults().on(Switch::LongOrderIds) {
            format!("{}{}", id.hyphenated(), id.hyphenated())
        } else if self.faults().on(Switch::HexOrderIds) {
            id.simple().to_string()
        } else {
            id.hyphenated().to_string()
        }
    }

    pub(super) async fn bolt11(&self, draft: &Draft) -> Result<Option<LightningPayment>, RpcError> {
        if !self.parts.setup.payment.bolt11 {
            return Ok(None);
        }
        let preimage = draft.secrets.preimage;
        let (off_by_one, total_off_by_one) = (
            u64::from(self.faults().on(Switch::InvoiceOffByOne)),
            u64::from(self.faults().on(Switch::TotalOffByOne)),
        );
        let mut price = draft.price;
        price.order_total_sat = price.order_total_sat.saturating_add(total_off_by_one);
        let since_epoch = draft.created_at.duration_since(Timestamp::UNIX_EPOCH);
        // The invoice's clock has whole seconds. One more, lest it ends before the order does.
        let expiry = self.parts.setup.order_expiry.saturating_add(SignedDuration::from_secs(1));
        let invoice = self.parts.setup.engine.invoice(InvoiceTerms {
            amount_msat: price.order_total_sat.saturating_add(off_by_one).saturating_mul(1_000),
            description: draft.description(),
            created_at: Duration::from_secs(since_epoch.as_secs().unsigned_abs()),
            expiry: expiry.unsigned_abs(),
            preimage,
        });
        let request = invoice.await.map_err(|error| {
            tracing::error!("failed to make an invoice: {error}");
            RpcError::internal()
        })?;
        let payment_hash = sha256::Hash::hash(&preimage).to_byte_array();
        let key = LightningKey::Invoice { payment_hash, preimage };
        Ok(Some(lightning(price, request, key)))
    }

    pub(super) async fn bolt12(&self, draft: &Draft) -> Option<LightningPayment> {
        if !self.parts.setup.payment.bolt12 {
            return None;
        }
        let ends = draft.price.expires_at.duration_since(Timestamp::UNIX_EPOCH);
        let offer = self.parts.setup.engine.offer(OfferTerms {
            amount_msat: draft.price.order_total_sat.saturating_mul(1_000),
            description: draft.description(),
            absolute_expiry: Duration::from_secs(ends.as_secs().unsigned_abs()),
        });
        match offer.await {
            Ok(offer) => {
                Some(lightning(draft.price, offer.text, LightningKey::Offer { id: offer.id }))
            }
            Err(error) => {
                tracing::info!(order = draft.id, "no payment by BOLT 12: failed to {error}");
                None
            }
        }
    }

    pub(super) async fn onchain(
        &self,
        draft: &Draft,
        request: &OrderRequest,
    ) -> Option<OnchainPayment> {
        let terms = self.parts.setup.payment.onchain?;
        // With a fault, what was taken for an address need not be one.
        let is_address = |text: &String| text.parse::<Address<NetworkUnchecked>>().is_ok();
        let can_refund = request.refund_onchain_address.as_ref().is_some_and(is_address);
        if !can_refund && !self.faults().on(Switch::TakesOnchainWithoutRefund) {
            return None;
        }
        match self.parts.setup.engine.address(&draft.id).await {
            Ok(address) => Some(terms.payment(draft.price, address)),
            Err(error) => {
                tracing::warn!(order = draft.id, "no payment on-chain: failed to {error}");
                None
            }
        }
    }
}

impl Draft {
    /// What payers see.
    fn description(&self) -> String {
        format!("LSPS1 channel, order {}", self.id)
    }
}

fn lightning(price: Price, request: String, key: LightningKey) -> LightningPayment {
    LightningPayment { price, state: LightningState::ExpectPayment, request, key, held: None }
}
