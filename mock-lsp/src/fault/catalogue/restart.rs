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
    "creates-orders-anew-at-restart", "L1-090 L1-116 L1-209",
    "Moves created_at when it is started again", Hook::Switch(Switch::CreatesAnew);
    "renames-orders-at-restart", "L1-116 L1-121",
    "Gives the orders that it had when it was ended another order_id", Hook::Switch(Switch::RenamesOrders);
    "invoices-anew-at-restart", "L1-116 L1-121",
    "Asks by another invoice for the payment of an order when it is started again", Hook::Switch(Switch::InvoicesAnew);
    "offers-anew-at-restart", "L1-116 L1-121",
    "Asks by another offer for the payment of an order when it is started again", Hook::Switch(Switch::OffersAnew);
    "addresses-anew-at-restart", "L1-116 L1-121 L1-192 L1-197 L1-198",
    "Asks at another address for the payment of an order when it is started again", Hook::Switch(Switch::AddressesAnew);
    "opens-again-at-restart", "L1-215",
    "Opens the channels of completed orders once more when it is started again", Hook::Switch(Switch::OpensAgain);
    "takes-held-payments-at-restart", "L1-145 L1-149 L1-151 L1-216 L1-218 L1-232",
    "Takes the payments that it held when it was ended, and calls their orders FAILED", Hook::Switch(Switch::TakesHeld);
    "returns-held-payments-at-restart", "L1-147",
    "Sends the payments back that it held when it was ended, and opens their channels all the same", Hook::Switch(Switch::ReturnsHeld);
    "strands-paid-coins-at-restart", "L1-199 L1-216 L1-218",
    "Neither opens a channel nor sends anything back for the coins that it had got when it was ended", Hook::Switch(Switch::StrandsCoins);
};
