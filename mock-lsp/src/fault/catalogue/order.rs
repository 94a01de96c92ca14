//! The order object of bLIP-51 sections 2 and 3, and lsps1.get_order.

use super::super::{params, rewrite};
use super::Edit::{Add, Do, Number, Remove, Rename, Replace, Set, Shift};
use super::{CreateOrder, Faces, Fault, GetOrder, Hook, Needs, ORDERS, Switch, faults};

pub(super) const FAULTS: &[Fault] = faults! { Messages;
    "order-id-empty-when-read", "L1-077 L1-116 L1-121 RD-019",
    "Sends an empty order_id in answers to get_order", Hook::Result(&[GetOrder], &[Set("order_id", "\"\"")]);
    "order-id-missing", "L1-046 L1-047 L1-050 L1-065 L1-077 L1-079 L1-080 RD-010 RD-016",
    "Leaves order_id out of new orders", Hook::Result(&[CreateOrder], &[Remove("order_id")]);
    "order-id-too-long", "L1-079 L1-080 RD-016",
    "Gives order ids of 72 characters", Hook::Switch(Switch::LongOrderIds);
    "order-id-hex", "L1-080",
    "Gives order ids of 32 hex digits, without dashes", Hook::Switch(Switch::HexOrderIds);
    "order-id-repeats", "L1-040 L1-078",
    "Gives two orders in a row the same id", Hook::Switch(Switch::RepeatsOrderIds);
    "lsp-balance-not-echoed", "L0-133 L1-081",
    "Echoes lsp_balance_sat one too high", Hook::Result(ORDERS, &[Add("lsp_balance_sat", 1)]);
    "client-balance-not-echoed", "L1-082",
    "Echoes client_balance_sat one too high", Hook::Result(ORDERS, &[Add("client_balance_sat", 1)]);
    "balance-echoed-as-number", "L0-133 L0-136 L1-081 RD-016",
    "Echoes lsp_balance_sat as a number", Hook::Result(ORDERS, &[Number("lsp_balance_sat")]);
    "confirmations-not-echoed", "L1-083 RD-016",
    "Leaves required_channel_confirmations out of orders", Hook::Result(ORDERS, &[Remove("required_channel_confirmations")]);
    "funding-blocks-not-echoed", "L1-084 RD-016",
    "Leaves funding_confirms_within_blocks out of orders", Hook::Result(ORDERS, &[Remove("funding_confirms_within_blocks")]);
    "expiry-not-echoed", "L1-085",
    "Echoes channel_expiry_blocks one too high", Hook::Result(ORDERS, &[Add("channel_expiry_blocks", 1)]);
    "announce-not-echoed", "L1-086",
    "Echoes announce_channel turned round", Hook::Result(ORDERS, &[Do(rewrite::announce_flipped)]);
    "announce-under-short-name", "L1-086 RD-016",
    "Echoes announce_channel as announce", Hook::Result(ORDERS, &[Rename("announce_channel", "announce")]);
    "token-not-echoed", "L1-087 L1-088 RD-013 RD-016",
    "Sends a null token in orders", Hook::Result(ORDERS, &[Set("token", "null")]);
    "created-at-missing", "L0-161 L1-089 RD-016",
    "Leaves created_at out of orders", Hook::Result(ORDERS, &[Remove("created_at")]);
    "created-at-local", "L0-162 L1-089 L1-131 L1-154 L1-176",
    "Sends created_at in a time zone an hour to the east", Hook::Result(ORDERS, &[Shift("created_at", 3_600)]);
    "created-at-moves", "L1-090 L1-112 L1-116 RD-020",
    "Sends the time of the answer as created_at", Hook::Result(ORDERS, &[Do(rewrite::created_at_moves)]);
    "datetime-no-millis", "L0-161 L1-089 L1-131 RD-016",
    "Sends times without milliseconds", Hook::Result(ORDERS, &[Do(rewrite::datetimes_without_millis)]);
    "order-state-lower-case", "L1-091 L1-092 RD-016",
    "Sends order states in lower case", Hook::Result(ORDERS, &[Do(rewrite::lower_case_order_state)]);
    "order-state-pending", "L1-091 L1-092 RD-016",
    "Says PENDING for CREATED", Hook::Result(ORDERS, &[Do(rewrite::pending_for_created)]);
    "new-order-completed", "L1-005 L1-091 L1-092 L1-230 L1-236 L1-237 RD-016",
    "Says that new orders are COMPLETED", Hook::Result(&[CreateOrder], &[Set("order_state", "\"COMPLETED\"")]);
    "payment-null", "L1-094 RD-016",
    "Sends a null payment with new orders", Hook::Result(&[CreateOrder], &[Set("payment", "null")]);
    "channel-key-missing", "L1-095 RD-016",
    "Leaves a null channel out of orders", Hook::Result(ORDERS, &[Do(rewrite::channel_key_missing)]);
    "channel-empty", "L1-095 L1-096 L1-207 L1-236 RD-016",
    "Sends an empty object where there is no channel yet", Hook::Result(ORDERS, &[Replace("channel", "{}")]);
    "channel-too-early", "L1-096 L1-207 L1-236 RD-016",
    "Shows a channel before there is one", Hook::Result(ORDERS, &[Do(rewrite::early_channel)]);
    "order-id-unset-is-not-found", "L1-114",
    "Answers get_order without an order_id like one for an unknown order", Hook::Params(Faces::P2p, &[GetOrder], &[Do(params::default_order_id)]);
    "get-order-other-object", "L1-112 L1-116 L1-121 RD-019",
    "Answers get_order with another order_id", Hook::Result(&[GetOrder], &[Do(rewrite::another_order)]);
    "get-order-without-payment", "L1-094 L1-115",
    "Leaves the payment out of get_order's answers", Hook::Result(&[GetOrder], &[Remove("payment")]);
    "get-order-other-fee", "L1-116 L1-137",
    "Names another fee in get_order's answers", Hook::Result(&[GetOrder], &[Add("payment.bolt11.fee_total_sat", 1), Add("payment.bolt11.order_total_sat", 1)]);
    "get-order-moves-expiry", "L1-112 L1-116 L1-141 RD-020",
    "Moves the end of the payment with each get_order", Hook::Result(&[GetOrder], &[Do(rewrite::expiry_moves)]);
    "fails-on-impossible-ids", "L1-119",
    "Fails where an order_id is no UUID", Hook::Refuses(Faces::Both, &[GetOrder], params::fail_on_impossible_id);
    "forgets-unpaid-orders", "L1-121 RD-001 RD-019",
    "Knows nothing of an order until it is paid", Hook::Switch(Switch::ForgetsUnpaidOrders);
    "orders-disclosed", "L1-120",
    "Shows orders to other nodes", Hook::Switch(Switch::DisclosesOrders);
};
