//! What becomes of orders when the LSP is started again (bLIP-51 section 2.1: an order can be asked for at any time).

use super::{Fault, Hook, Needs, Switch, faults};

pub(super) const FAULTS: &[Fault] = faults! { Chain;
    "forgets-orders-at-restart", "L1-115 L1-116 L1-121 L1-215 L1-216 L1-218 L1-237",
    "Knows no order any more when it is started again", Hook::Switch(Switch::ForgetsOrders);
    "forgets-unpaid-orders-at-restart", "L1-115 L1-116 L1-121",
    "Knows no unpaid order any more when it is started again", Hook::Switch(Switch::ForgetsUnpaid);
    "strands-held-payments-at-restart", "L1-216 L1-218",
    "Does nothing for the payments that it held when it was ended", Hook::Switch(Switch::StrandsHeld);
    "fails-completed-orders-at-restart", "L1-121 L1-207 L1-232 L1-236 L1-237",
    "Calls completed orders FAILED when it is started again", Hook::Switch(Switch::FailsCompleted);
    "creates-orders-anew-at-restart", "L1-090 L1-116",
    "Moves created_at when it is started again", Hook::Switch(Switch::CreatesAnew);
};
