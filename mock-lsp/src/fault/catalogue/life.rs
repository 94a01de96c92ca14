//! What happens after the order, which takes a payment and a chain to see.

use super::super::rewrite;
use super::Edit::{Do, Set};
use super::{Fault, Hook, Needs, ORDERS, Switch, faults};

pub(super) const FAULTS: &[Fault] = faults! { Chain;
    "skip-hold", "L1-139 L1-146",
    "Never shows a held payment as HOLD", Hook::Result(ORDERS, &[Do(rewrite::hold_is_hidden)]);
    "claims-before-open", "L1-128 L1-139 L1-145 L1-146 L1-147 L1-149 L1-150 L1-151 L1-232 L1-238",
    "Claims payments when they arrive", Hook::Switch(Switch::ClaimsBeforeOpen);
    "keeps-payment-of-failed-order", "L1-128 L1-145 L1-149 L1-150 L1-232 L1-238",
    "Keeps the payment of a failed order on hold", Hook::Switch(Switch::KeepsPaymentOfFailedOrder);
    "cancelled-for-refunded", "L1-126 L1-128 L1-150",
    "Says CANCELLED for REFUNDED, as before mid-2024", Hook::Result(ORDERS, &[Do(rewrite::cancelled_for_refunded)]);
    "open-one-sat-short", "L1-220 L1-224",
    "Opens channels that are 1 sat smaller than ordered", Hook::Switch(Switch::OpensOneSatShort);
    "push-one-sat-short", "L1-222",
    "Pushes 1 sat less than ordered", Hook::Switch(Switch::PushesOneSatShort);
    "opens-announced", "L1-219",
    "Announces private channels and hides public ones", Hook::Switch(Switch::FlipsAnnounce);
    "channel-stays-null", "L0-163 L0-164 L0-165 L1-095 L1-148 L1-208 L1-209 L1-210 L1-211 L1-212 L1-230 L1-236",
    "Never shows the channel", Hook::Result(ORDERS, &[Set("channel", "null")]);
    "lease-ends-at-once", "L1-212",
    "Lets channels expire when they are funded", Hook::Result(ORDERS, &[Do(rewrite::lease_ends_at_once)]);
    "outpoint-with-dash", "L0-164 L0-165 L1-210",
    "Writes outpoints with a dash", Hook::Result(ORDERS, &[Do(rewrite::outpoint_with_dash)]);
    "txid-reversed", "L0-163 L1-093 L1-210",
    "Writes transaction ids in the order of their bytes", Hook::Result(ORDERS, &[Do(rewrite::txid_reversed)]);
};
