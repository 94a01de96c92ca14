//! `lsps1.create_order`.

use bitcoin::hashes::{Hash, sha256};
use bitcoin::secp256k1::PublicKey;
use jiff::{SignedDuration, Timestamp};

use super::Service;
use super::store::Secrets;
use crate::engine::InvoiceTerms;
use crate::fault::Switch;
use crate::message::RpcError;
use crate::order::{Bolt11Payment, Opening, Order, OrderRequest, OrderState, PaymentState, Quote};

impl Service {
    /// Makes an order, or says why not. An order that is refused leaves nothing behind.
    pub(super) async fn create_order(
        &self,
        client: PublicKey,
        request: OrderRequest,
    ) -> Result<Order, RpcError> {
        self.check_options(&request)?;
        self.check_token(&request)?;
        let quote = self.quote(&request)?;
        if let Some(order) = self.earlier_order(&client, &request) {
            return Ok(order);
        }

        let secrets = self.draw_secrets();
        let created_at = self.now();
        // The default lease ends centuries before time does.
        let expires_at =
            created_at.checked_add(self.parts.setup.order_expiry).unwrap_or(Timestamp::MAX);
        let id = self.order_id(&secrets);
        let invoice_terms = self.invoice_terms(&id, &quote, created_at, &secrets)?;
        let invoice = self.parts.setup.engine.invoice(invoice_terms).await.map_err(|error| {
            tracing::error!("failed to make an invoice: {error}");
            RpcError::internal()
        })?;
        let order = Order {
            id,
            client,
            request,
            created_at,
            state: OrderState::Created,
            opening: Opening::Unasked,
            bolt11: Bolt11Payment {
                state: PaymentState::ExpectPayment,
                expires_at,
                fee_total_sat: quote.fee_total_sat,
                order_total_sat: quote.order_total_sat,
                invoice,
                payment_hash: sha256::Hash::hash(&secrets.preimage).to_byte_array(),
                preimage: secrets.preimage,
                claim_deadline: None,
            },
            channel: None,
        };
        if !self.parts.store.lock().insert(order.clone()) {
            return Err(RpcError::client_rejected(
                "there are too many open orders; try again later",
            ));
        }
        self.parts.new_expiry.notify_one();
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

    fn draw_secrets(&self) -> Secrets {
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
            Some(token)
                if !self.parts.setup.tokens.contains(token)
                    && !self.faults().on(Switch::TakesAnyToken) =>
            {
                Err(RpcError::invalid_token())
            }
            _ => Ok(()),
        }
    }

    fn quote(&self, request: &OrderRequest) -> Result<Quote, RpcError> {
        let mut quote = self.parts.setup.fee.quote(request).ok_or_else(|| {
            tracing::error!("failed to price an order: the fee is more than an invoice can ask for; lower the --fee-… flags");
            RpcError::internal()
        })?;
        if self.faults().on(Switch::TotalOffByOne) {
            quote.order_total_sat = quote.order_total_sat.saturating_add(1);
        }
        Ok(quote)
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

    fn invoice_terms(
        &self,
        id: &str,
        quote: &Quote,
        created_at: Timestamp,
        secrets: &Secrets,
    ) -> Result<InvoiceTerms, RpcError> {
        let odd_sat = u64::from(self.faults().on(Switch::InvoiceOffByOne));
        let since_epoch = created_at.duration_since(Timestamp::UNIX_EPOCH);
        // The invoice's clock has whole seconds. One more, lest it ends before the order does.
        let expiry = self.parts.setup.order_expiry.saturating_add(SignedDuration::from_secs(1));
        Ok(InvoiceTerms {
            amount_msat: quote.order_total_sat.saturating_add(odd_sat).saturating_mul(1_000),
            description: format!("LSPS1 channel, order {id}"),
            created_at: std::time::Duration::from_secs(since_epoch.as_secs().unsigned_abs()),
            expiry: expiry.unsigned_abs(),
            preimage: secrets.preimage,
        })
    }
}
