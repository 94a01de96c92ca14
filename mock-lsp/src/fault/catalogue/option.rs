//! bLIP-51 section 3, Payment: its options.

use super::super::rewrite;
use super::Edit::{Add, Do, Number, Remove, Rename, Set, Shift};
use super::{Fault, GetOrder, Hook, Needs, ORDERS, Switch, faults};

pub(super) const BOLT11: &[Fault] = faults! { Messages;
    "unused-options-null", "L1-124 RD-016",
    "Sends payment options that it doesn't offer as null", Hook::Result(ORDERS, &[Set("payment.bolt12", "null")]);
    "payment-flat", "L1-125",
    "Sends the payment without an object per option, as before mid-2024", Hook::Result(ORDERS, &[Do(rewrite::flat_payment)]);
    "bolt11-state-unknown", "L1-126 L1-127 RD-016",
    "Says UNPAID for EXPECT_PAYMENT", Hook::Result(ORDERS, &[Set("payment.bolt11.state", "\"UNPAID\"")]);
    "bolt11-new-hold", "L1-127",
    "Says that the payment of a new order is held", Hook::Result(ORDERS, &[Set("payment.bolt11.state", "\"HOLD\"")]);
    "bolt11-expires-before", "L1-131",
    "Lets the payment end before it starts", Hook::Result(ORDERS, &[Shift("payment.bolt11.expires_at", -86_400)]);
    "bolt11-expires-after-invoice", "L1-141",
    "Expects the payment for longer than the invoice lasts", Hook::Result(ORDERS, &[Shift("payment.bolt11.expires_at", 86_400)]);
    "sat-as-number", "L0-136 L1-132 RD-016",
    "Sends fee_total_sat as a number", Hook::Result(ORDERS, &[Number("payment.bolt11.fee_total_sat")]);
    "sat-leading-zero", "L0-136 L0-137 L1-132 RD-016",
    "Sends fee_total_sat with a leading zero", Hook::Result(ORDERS, &[Do(rewrite::leading_zero_in_fee)]);
    "order-total-missing", "L1-133 RD-016",
    "Leaves order_total_sat out", Hook::Result(ORDERS, &[Remove("payment.bolt11.order_total_sat")]);
    "order-total-off-by-one", "L1-134",
    "Asks for 1 sat more than fee and client balance", Hook::Switch(Switch::TotalOffByOne);
    "invoice-under-old-name", "L1-135 L1-140 RD-016",
    "Sends the invoice as bolt11_invoice", Hook::Result(ORDERS, &[Rename("payment.bolt11.invoice", "bolt11_invoice")]);
    "invoice-checksum", "L1-136",
    "Sends invoices with a wrong checksum", Hook::Result(ORDERS, &[Do(rewrite::invoice_checksum)]);
    "invoice-wrong-amount", "L1-137",
    "Makes invoices for 1 sat more than the total", Hook::Switch(Switch::InvoiceOffByOne);
    "invoice-without-amount", "L1-137",
    "Makes invoices for any amount", Hook::Result(ORDERS, &[Do(rewrite::invoice_without_amount)]);
    "invoice-of-other-network", "L0-156 L0-159 L1-138",
    "Makes invoices for another network", Hook::Result(ORDERS, &[Do(rewrite::invoice_of_other_network)]);
    "invoice-too-long", "L1-136 L1-140 RD-016",
    "Makes invoices of more than 2048 characters", Hook::Result(ORDERS, &[Do(rewrite::invoice_too_long)]);
    "invoice-repeats", "L1-142",
    "Makes the invoices of all orders with the same payment hash", Hook::Switch(Switch::RepeatsInvoices);
};

pub(super) const BOLT12: &[Fault] = faults! { Messages;
    "bolt12-state-unknown", "L1-152 L1-153 RD-016",
    "Offers BOLT 12 with the state OPEN", Hook::Result(ORDERS, &[Set("payment.bolt12.state", "\"OPEN\"")]);
    "bolt12-new-hold", "L1-153",
    "Offers BOLT 12 held from the start", Hook::Result(ORDERS, &[Set("payment.bolt12.state", "\"HOLD\"")]);
    "bolt12-expiry-missing", "L1-154 RD-016",
    "Offers BOLT 12 without expires_at", Hook::Result(ORDERS, &[Remove("payment.bolt12.expires_at")]);
    "bolt12-fee-missing", "L1-155 RD-016",
    "Offers BOLT 12 without a fee", Hook::Result(ORDERS, &[Remove("payment.bolt12.fee_total_sat")]);
    "bolt12-total-number", "L0-136 L1-156 RD-016",
    "Offers BOLT 12 with a total that is a number", Hook::Result(ORDERS, &[Number("payment.bolt12.order_total_sat")]);
    "bolt12-total-off-by-one", "L1-157",
    "Offers BOLT 12 for 1 sat more than fee and client balance", Hook::Result(ORDERS, &[Add("payment.bolt12.fee_total_sat", -1)]);
    "bolt12-offer-missing", "L1-158 L1-161 RD-016",
    "Offers BOLT 12 without an offer", Hook::Result(ORDERS, &[Remove("payment.bolt12.offer")]);
    "bolt12-offer-unreadable", "L1-159",
    "Offers BOLT 12 with an offer that can't be read", Hook::Result(ORDERS, &[Set("payment.bolt12.offer", "\"lno1qqqqqqqq\"")]);
    "bolt12-offer-in-sat", "L1-160",
    "Offers BOLT 12 for a thousandth of the total", Hook::Result(ORDERS, &[Do(rewrite::offer_in_sat)]);
    "bolt12-offer-too-long", "L1-159 L1-161 RD-016",
    "Offers BOLT 12 with more than 2048 characters", Hook::Result(ORDERS, &[Do(rewrite::offer_too_long)]);
    "bolt12-expires-early", "L1-162",
    "Offers BOLT 12 with an offer that ends an hour before expires_at", Hook::Result(ORDERS, &[Do(rewrite::offer_ends_early)]);
};

pub(super) const ONCHAIN: &[Fault] = faults! { Messages;
    "onchain-without-refund-address", "L1-070 L1-172 RD-012",
    "Offers on-chain payment without a refund address", Hook::Switch(Switch::TakesOnchainWithoutRefund);
    "offers-onchain-when-off", "L1-173",
    "Says that on-chain payment is switched off, and offers it", Hook::Switch(Switch::OffersOnchainWhenOff);
    "refuses-refunds-when-off", "L0-156 L0-159 L1-173",
    "Says that on-chain payment is switched off, and refuses orders with a refund address", Hook::Switch(Switch::RefusesRefundsWhenOff);
    "onchain-state-hold", "L1-174 L1-175",
    "Offers on-chain payment with the state HOLD", Hook::Result(ORDERS, &[Set("payment.onchain.state", "\"HOLD\"")]);
    "onchain-new-paid", "L1-175",
    "Offers on-chain payment paid from the start", Hook::Result(ORDERS, &[Set("payment.onchain.state", "\"PAID\"")]);
    "onchain-expires-before", "L1-176",
    "Offers on-chain payment which ends before it starts", Hook::Result(ORDERS, &[Shift("payment.onchain.expires_at", -86_400)]);
    "onchain-fee-number", "L0-136 L1-177",
    "Offers on-chain payment with a fee that is a number", Hook::Result(ORDERS, &[Number("payment.onchain.fee_total_sat")]);
    "onchain-total-missing", "L1-178",
    "Offers on-chain payment without a total", Hook::Result(ORDERS, &[Remove("payment.onchain.order_total_sat")]);
    "onchain-total-off-by-one", "L1-179",
    "Offers on-chain payment for 1 sat more than fee and client balance", Hook::Result(ORDERS, &[Add("payment.onchain.order_total_sat", 1)]);
    "onchain-address-missing", "L1-180",
    "Offers on-chain payment without an address", Hook::Result(ORDERS, &[Remove("payment.onchain.address")]);
    "onchain-address-checksum", "L0-155",
    "Offers on-chain payment to a version 0 address with the checksum of bech32m", Hook::Result(ORDERS, &[Do(rewrite::address_with_wrong_checksum)]);
    "onchain-address-version", "L0-157",
    "Offers on-chain payment to an address of version 2", Hook::Result(ORDERS, &[Do(rewrite::address_of_version_two)]);
    "onchain-address-repeats", "L1-181",
    "Offers on-chain payment to the same address for all orders", Hook::Result(ORDERS, &[Do(rewrite::same_address)]);
    "onchain-address-moves", "L1-116",
    "Offers on-chain payment to another address in get_order", Hook::Result(ORDERS, &[Do(rewrite::moving_address)]);
    "onchain-confirmations-null", "L1-182",
    "Offers on-chain payment with null confirmations", Hook::Result(ORDERS, &[Set("payment.onchain.min_onchain_payment_confirmations", "null")]);
    "onchain-confirmations-below-info", "L1-183",
    "Offers on-chain payment with fewer confirmations than get_info names", Hook::Result(ORDERS_AND_INFO, &[Do(rewrite::onchain_confirmations_in_info)]);
    "onchain-fee-rate-with-confirmations", "L1-184",
    "Offers on-chain payment with a fee rate for 0 confirmations where 1 is asked for", Hook::Result(ORDERS, &[Set("payment.onchain.min_onchain_payment_confirmations", "1"), Set("payment.onchain.min_fee_for_0conf", "253")]);
    "onchain-fee-rate-in-vbytes", "L0-140 L0-141 L0-142 L1-185",
    "Offers on-chain payment with a fee rate per vbyte", Hook::Result(ORDERS, &[Set("payment.onchain.min_onchain_payment_confirmations", "0"), Set("payment.onchain.min_fee_for_0conf", "5")]);
    "onchain-fee-rate-string", "L0-140 L0-141 L0-142 L1-185",
    "Offers on-chain payment with a fee rate that is a string", Hook::Result(ORDERS, &[Set("payment.onchain.min_onchain_payment_confirmations", "0"), Set("payment.onchain.min_fee_for_0conf", "\"2530\"")]);
    "onchain-refund-not-echoed", "L1-187",
    "Offers on-chain payment with another refund address", Hook::Result(ORDERS, &[Do(rewrite::refund_to_itself)]);
};

/// What shows an order, or the options.
const ORDERS_AND_INFO: &[super::Method] = &[super::CreateOrder, GetOrder, super::GetInfo];
