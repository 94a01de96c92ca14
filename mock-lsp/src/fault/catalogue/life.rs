//! What happens after the order, which takes a payment and a chain to see.

use super::super::{life, rewrite};
use super::Edit::{Do, Remove, Replace, Set, Shift};
use super::{Fault, Hook, Needs, ORDERS, Switch, faults};

/// bLIP-51 section 3, from the arrival of a payment to its end.
pub(super) const PAYMENT: &[Fault] = faults! { Chain;
    "claims-before-open", "L1-128 L1-139 L1-145 L1-146 L1-147 L1-149 L1-150 L1-151 L1-165 L1-166 L1-167 L1-169 \
     L1-170 L1-171 L1-225 L1-232 L1-238",
    "Claims payments when they arrive", Hook::Switch(Switch::ClaimsBeforeOpen);
    "skip-hold", "L1-139 L1-146",
    "Never shows a held payment as HOLD", Hook::Result(ORDERS, &[Do(rewrite::hold_is_hidden)]);
    "hold-as-paid", "L1-139 L1-146 L1-148 L1-151",
    "Shows a held payment as PAID", Hook::Result(ORDERS, &[Do(life::hold_as_paid)]);
    "paid-as-hold", "L1-148",
    "Goes on to show a paid order's payment as held", Hook::Result(ORDERS, &[Do(life::paid_as_hold)]);
    "paid-as-expected", "L1-005 L1-148",
    "Shows a paid order as unpaid", Hook::Result(ORDERS, &[Do(life::paid_as_expected)]);
    "paid-as-refunded", "L1-005 L1-148",
    "Shows a paid order as refunded", Hook::Result(ORDERS, &[Do(life::paid_as_refunded)]);
    "hold-comes-back", "L1-148",
    "Shows every other time a paid order's payment as held again", Hook::Result(ORDERS, &[Do(life::hold_comes_back)]);
    "refunded-as-hold", "L1-128 L1-150 L1-232 L1-240 L1-241 L1-242",
    "Goes on to show a refunded payment as held", Hook::Result(ORDERS, &[Do(life::refunded_as_hold)]);
    "refunded-as-expected", "L1-128 L1-150 L1-232",
    "Shows a refunded payment as if it had never come", Hook::Result(ORDERS, &[Do(life::refunded_as_expected)]);
    "refunded-as-paid", "L1-128 L1-150 L1-151 L1-232 L1-240 L1-241 L1-242",
    "Shows a refunded payment as PAID", Hook::Result(ORDERS, &[Do(life::refunded_as_paid)]);
    "cancelled-for-refunded", "L1-126 L1-128 L1-150 L1-232",
    "Says CANCELLED for REFUNDED, as before mid-2024", Hook::Result(ORDERS, &[Do(rewrite::cancelled_for_refunded)]);
    "never-claims", "L1-145 L1-147 L1-148 L1-149 L1-167 L1-168",
    "Never takes the payments of channels that it has opened", Hook::Switch(Switch::NeverClaims);
    "claims-every-payment", "L1-005",
    "Takes every further payment for an order that is paid", Hook::Switch(Switch::ClaimsEveryPayment);
    "keeps-every-payment", "L1-145 L1-149",
    "Leaves further payments for an order that is paid hanging", Hook::Switch(Switch::KeepsEveryPayment);
    "claims-late-payments", "L1-241 L1-242",
    "Takes payments for orders that have expired", Hook::Switch(Switch::ClaimsLatePayments);
    "keeps-late-payments", "L1-241 L1-242",
    "Leaves payments for orders that have expired hanging", Hook::Switch(Switch::KeepsLatePayments);
    "serves-expired-orders", "L1-199 L1-200 L1-204 L1-241 L1-242",
    "Forgets that unpaid orders expire", Hook::Switch(Switch::IgnoresExpiryOfUnpaid);
    "claims-at-expiry", "L1-145 L1-149 L1-165 L1-169",
    "Takes the held payment of an order that expires", Hook::Switch(Switch::ClaimsAtExpiry);
    "keeps-at-expiry", "L1-145 L1-149 L1-165 L1-169",
    "Says that the payment of an expired order went back, and keeps it hanging", Hook::Switch(Switch::KeepsAtExpiry);
    "ignores-expiry-of-held", "L1-128 L1-145 L1-149 L1-150 L1-165 L1-169 L1-170 L1-236",
    "Forgets that orders expire whose payment is held", Hook::Switch(Switch::IgnoresExpiryOfHeld);
    "claims-at-deadline", "L1-145 L1-149 L1-165 L1-169",
    "Takes the payment when its time is nearly up, without a channel", Hook::Switch(Switch::ClaimsAtDeadline);
    "ignores-deadlines", "L1-128 L1-150 L1-170",
    "Goes on to show a payment as held whose time is up", Hook::Switch(Switch::IgnoresDeadlines);
    "claims-after-failed-open", "L1-145 L1-149 L1-165 L1-169 L1-232",
    "Takes the payment of an order whose open failed", Hook::Switch(Switch::ClaimsAfterFailedOpen);
    "keeps-after-failed-open", "L1-145 L1-149 L1-165 L1-169 L1-232",
    "Says that the payment of a failed order went back, and keeps it hanging", Hook::Switch(Switch::KeepsAfterFailedOpen);
    "hold-as-refunded", "L1-139 L1-146 L1-239",
    "Shows a held payment as REFUNDED until the channel is there", Hook::Result(ORDERS, &[Do(life::hold_as_refunded)]);
    "offer-hold-is-hidden", "L1-166",
    "Never shows a held payment of an offer as HOLD", Hook::Result(ORDERS, &[Do(life::offer_hold_is_hidden)]);
    "offer-hold-as-paid", "L1-166 L1-168 L1-171",
    "Shows a held payment of an offer as PAID", Hook::Result(ORDERS, &[Do(life::offer_hold_as_paid)]);
    "offer-paid-as-hold", "L1-168",
    "Goes on to show the payment of an offer as held that is taken", Hook::Result(ORDERS, &[Do(life::offer_paid_as_hold)]);
    "offer-refund-as-hold", "L1-170",
    "Goes on to show the payment of an offer as held that went back", Hook::Result(ORDERS, &[Do(life::offer_refund_as_hold)]);
    "offer-follows-invoice", "L1-240",
    "Shows the offer as paid of an order that is paid by invoice", Hook::Result(ORDERS, &[Do(life::offer_follows_invoice)]);
    "void-offer-is-paid", "L1-239 L1-240",
    "Shows the void offer of an order that was paid by invoice as PAID", Hook::Result(ORDERS, &[Do(life::void_offer_is_paid)]);
    "claims-offers-before-open", "L1-165 L1-166 L1-167 L1-169 L1-170 L1-171 L1-232 L1-238",
    "Claims payments of offers when they arrive", Hook::Switch(Switch::ClaimsOffersBeforeOpen);
    "never-claims-offers", "L1-167 L1-168 L1-169",
    "Never takes payments of offers", Hook::Switch(Switch::NeverClaimsOffers);
    "keeps-payment-of-failed-order", "L1-128 L1-145 L1-149 L1-150 L1-165 L1-169 L1-170 L1-199 L1-200 L1-204 \
     L1-232 L1-238 L1-242",
    "Keeps the payment of a failed order on hold", Hook::Switch(Switch::KeepsPaymentOfFailedOrder);
};

/// bLIP-51 section 4, from the attempt to open the channel to the end of its lease.
pub(super) const CHANNEL: &[Fault] = faults! { Chain;
    "waits-for-nobody", "L0-164 L0-165 L1-139 L1-146 L1-147 L1-148 L1-166 L1-192 L1-193 L1-194 L1-197 L1-198 \
     L1-208 L1-209 L1-210 L1-211 L1-216 L1-217 L1-218 L1-229 L1-230 L1-236 L1-238 RD-018",
    "Lets an order fail whose client isn't connected", Hook::Switch(Switch::WaitsForNobody);
    "never-opens", "L0-164 L0-165 L1-128 L1-145 L1-147 L1-148 L1-149 L1-150 L1-165 L1-167 L1-168 L1-169 L1-170 \
     L1-199 L1-200 L1-204 L1-208 L1-209 L1-210 L1-211 L1-216 L1-217 L1-218 L1-227 L1-229 L1-230 L1-231 L1-232 \
     L1-235 L1-236 L1-237 RD-018",
    "Never opens a channel", Hook::Switch(Switch::NeverOpens);
    "refunds-without-trying", "L0-164 L0-165 L1-121 L1-139 L1-146 L1-147 L1-148 L1-151 L1-166 L1-167 L1-168 L1-171 \
     L1-192 L1-193 L1-194 L1-197 L1-198 L1-208 L1-209 L1-210 L1-211 L1-216 L1-217 L1-218 L1-227 L1-229 L1-230 \
     L1-235 L1-236 L1-238 RD-018",
    "Lets paid orders fail without an attempt to open", Hook::Switch(Switch::RefundsWithoutTrying);
    "ignores-failed-opens", "L1-128 L1-145 L1-149 L1-150 L1-165 L1-169 L1-170 L1-199 L1-200 L1-204 L1-216 \
     L1-218 L1-231 L1-232 L1-237",
    "Goes on to wait after an open has failed", Hook::Switch(Switch::IgnoresFailedOpens);
    "batches-zero-conf", "L0-164 L0-165 L1-128 L1-145 L1-147 L1-148 L1-149 L1-150 L1-165 L1-167 L1-168 L1-169 \
     L1-170 L1-208 L1-209 L1-210 L1-211 L1-216 L1-218 L1-225 L1-227 L1-229 L1-230 L1-231 L1-232 L1-235 L1-236 \
     L1-237",
    "Opens channels that need no confirmation only with the next block", Hook::Switch(Switch::BatchesZeroConf);
    "batch-stays-unconfirmed", "L1-225 L1-234",
    "Pays too little for the funding of a client's second channel to be mined", Hook::Switch(Switch::BatchStaysUnconfirmed);
    "channel-ready-too-late", "L1-216 L1-227",
    "Waits for three confirmations more than were ordered", Hook::Switch(Switch::ReadyTooLate);
    "closes-at-half-lease", "L1-214",
    "Closes channels after half of the blocks that were ordered", Hook::Switch(Switch::ClosesAtHalfLease);
    "refuses-zero-reserve", "L1-228",
    "Says that it supports a reserve of zero, and fails opens where it is asked for one", Hook::Switch(Switch::RefusesZeroReserve);
    "one-channel-per-client", "L1-216 L1-229",
    "Lets a client's second order fail", Hook::Switch(Switch::OneChannelPerClient);
    "open-one-sat-short", "L1-220 L1-224",
    "Opens channels that are 1 sat smaller than ordered", Hook::Switch(Switch::OpensOneSatShort);
    "opens-without-client-balance", "L1-220 L1-222",
    "Opens channels of the LSP's balance only", Hook::Switch(Switch::OpensWithoutClientBalance);
    "push-one-sat-short", "L1-222",
    "Pushes 1 sat less than ordered", Hook::Switch(Switch::PushesOneSatShort);
    "pushes-nothing", "L1-222",
    "Keeps the client's balance on its own side", Hook::Switch(Switch::PushesNothing);
    "pushes-too-much-of-its-own", "L1-224",
    "Gives half of its own side away", Hook::Switch(Switch::PushesTooMuchOfItsOwn);
    "opens-announced", "L1-219",
    "Announces private channels and hides public ones", Hook::Switch(Switch::FlipsAnnounce);
    "announces-all", "L1-219",
    "Announces private channels, too", Hook::Switch(Switch::AnnouncesAll);
    "announces-none", "L1-219",
    "Hides public channels, too", Hook::Switch(Switch::AnnouncesNone);
    "completion-is-hidden", "L0-164 L0-165 L1-145 L1-148 L1-149 L1-151 L1-171 L1-208 L1-209 L1-210 L1-211 \
     L1-216 L1-217 L1-218 L1-229 L1-230 L1-232 L1-236 RD-018",
    "Goes on to show an order as CREATED whose channel is open", Hook::Result(ORDERS, &[Do(life::completion_is_hidden)]);
    "failure-is-hidden", "L1-231 L1-237",
    "Goes on to show an order as CREATED that has failed", Hook::Result(ORDERS, &[Do(life::failure_is_hidden)]);
    "completed-while-held", "L1-146 L1-166 L1-217 L1-230 L1-236 L1-237 L1-238",
    "Shows an order as COMPLETED as soon as it is paid", Hook::Result(ORDERS, &[Do(life::completed_while_held)]);
    "failed-while-held", "L0-164 L0-165 L1-146 L1-148 L1-166 L1-208 L1-209 L1-210 L1-211 L1-217 L1-229 L1-230 \
     L1-236 L1-237 L1-238 RD-018",
    "Shows an order as FAILED while its payment is held", Hook::Result(ORDERS, &[Do(life::failed_while_held)]);
    "channel-while-held", "L1-096 L1-166 L1-207 L1-215 L1-236",
    "Shows a channel as soon as the order is paid", Hook::Result(ORDERS, &[Do(life::channel_while_held)]);
    "completed-fails", "L1-121 L1-148 L1-149 L1-150 L1-199 L1-200 L1-207 L1-216 L1-217 L1-229 L1-232 L1-236 L1-237 \
     RD-018",
    "Shows every other time a completed order as FAILED", Hook::Result(ORDERS, &[Do(life::completed_fails)]);
    "failed-goes-on", "L1-231 L1-237",
    "Shows every other time a failed order as CREATED", Hook::Result(ORDERS, &[Do(life::failed_goes_on)]);
    "completed-is-larger", "L1-116",
    "Changes what was ordered once it is delivered", Hook::Result(ORDERS, &[Do(life::completed_is_larger)]);
    "channel-stays-null", "L0-163 L0-164 L0-165 L1-095 L1-148 L1-151 L1-208 L1-209 L1-210 L1-211 L1-212 L1-230 \
     L1-236",
    "Never shows the channel", Hook::Result(ORDERS, &[Set("channel", "null")]);
    "channel-is-outpoint", "L0-164 L0-165 L1-095 L1-151 L1-208 L1-209 L1-210 L1-211 L1-230 L1-236",
    "Shows the channel as its outpoint alone", Hook::Result(ORDERS, &[Do(life::bare_outpoint)]);
    "funded-at-null", "L0-161 L1-208 L1-209 L1-230 L1-236",
    "Leaves open when the channel was funded", Hook::Result(ORDERS, &[Replace("channel.funded_at", "null")]);
    "funded-at-missing", "L1-208 L1-209 L1-230 L1-236",
    "Leaves out when the channel was funded", Hook::Result(ORDERS, &[Remove("channel.funded_at")]);
    "funded-at-with-offset", "L0-161 L1-209",
    "Says with an offset when the channel was funded", Hook::Result(ORDERS, &[Do(life::funded_with_offset)]);
    "funded-at-too-early", "L1-209",
    "Says that the channel was funded before it was ordered", Hook::Result(ORDERS, &[Do(life::funded_before_created)]);
    "funded-at-moves", "L1-209 L1-215",
    "Says at each look that the channel was funded just now", Hook::Result(ORDERS, &[Do(life::funded_at_moves)]);
    "outpoint-missing", "L0-164 L0-165 L1-208 L1-210 L1-230 L1-236",
    "Leaves out where the channel is", Hook::Result(ORDERS, &[Remove("channel.funding_outpoint")]);
    "outpoint-moves", "L1-210 L1-215 L1-216 L1-227",
    "Names every other time another outpoint", Hook::Result(ORDERS, &[Do(life::outpoint_moves)]);
    "outpoint-of-another-output", "L1-210 L1-216 L1-227",
    "Names another output of the funding transaction", Hook::Result(ORDERS, &[Do(life::another_index)]);
    "outpoint-of-another-transaction", "L0-163 L1-093 L1-210 L1-216 L1-227",
    "Names the output of a transaction that there isn't", Hook::Result(ORDERS, &[Do(life::another_transaction)]);
    "outpoint-with-dash", "L0-164 L0-165 L1-210 L1-216",
    "Writes outpoints with a dash", Hook::Result(ORDERS, &[Do(rewrite::outpoint_with_dash)]);
    "txid-reversed", "L0-163 L1-093 L1-210 L1-216 L1-227",
    "Writes transaction ids in the order of their bytes", Hook::Result(ORDERS, &[Do(rewrite::txid_reversed)]);
    "lease-end-missing", "L1-208 L1-211 L1-212 L1-230 L1-236",
    "Leaves out when the lease ends", Hook::Result(ORDERS, &[Remove("channel.expires_at")]);
    "lease-end-with-offset", "L0-161 L1-211",
    "Says with an offset when the lease ends", Hook::Result(ORDERS, &[Do(life::lease_with_offset)]);
    "lease-ends-at-once", "L1-212",
    "Lets channels expire when they are funded", Hook::Result(ORDERS, &[Do(rewrite::lease_ends_at_once)]);
    "lease-ends-too-early", "L1-212",
    "Lets channels expire ten days before their blocks are over", Hook::Result(ORDERS, &[Shift("channel.expires_at", -864_000)]);
};

/// bLIP-51 section 3.3, from the arrival of coins to their return.
pub(super) const ONCHAIN: &[Fault] = faults! { Chain;
    "never-sees-coins", "L1-121 L1-192 L1-193 L1-194 L1-197 L1-198 L1-199 L1-200 L1-204 L1-216 L1-218 \
     L1-229 L1-231 L1-232 L1-242",
    "Doesn't look at the chain for payments", Hook::Switch(Switch::NeverSeesCoins);
    "confirms-after-seven-blocks", "L1-121 L1-192 L1-193 L1-194 L1-197 L1-198 L1-199 L1-200 L1-204 L1-216 \
     L1-218 L1-229 L1-231 L1-232 L1-242",
    "Takes on-chain payments after seven confirmations", Hook::Switch(Switch::ConfirmsAfterSevenBlocks);
    "coins-show-as-hold", "L1-121 L1-174 L1-192 L1-193 L1-194 L1-197 L1-198",
    "Shows an on-chain payment as held, which only Lightning knows", Hook::Result(ORDERS, &[Do(life::coins_as_hold)]);
    "never-refunds-coins", "L1-005 L1-199 L1-200 L1-204 L1-232 L1-242",
    "Keeps the coins of failed orders", Hook::Switch(Switch::NeverRefundsCoins);
    "refunds-coins-in-words", "L1-005 L1-199 L1-200 L1-204 L1-232 L1-242",
    "Says that coins went back, but broadcasts nothing", Hook::Switch(Switch::RefundsCoinsInWords);
    "refunds-coins-to-itself", "L1-005 L1-199 L1-200 L1-204 L1-232 L1-242",
    "Sends refunds to its own address", Hook::Switch(Switch::RefundsCoinsToItself);
    "refund-is-dear", "L1-201",
    "Spends more on the fee of a refund than is reasonable", Hook::Switch(Switch::RefundIsDear);
    "takes-underpayments", "L1-005",
    "Takes half of the price for the whole", Hook::Switch(Switch::TakesUnderpayments);
    "keeps-underpayments", "L1-199",
    "Keeps a payment that was too small when its order expires", Hook::Switch(Switch::KeepsUnderpayments);
    "ignores-overpayments", "L1-192 L1-197",
    "Takes payments of the exact amount only, and keeps larger ones", Hook::Switch(Switch::IgnoresOverpayments);
    "keeps-the-surplus", "L1-200",
    "Sends no more than the price back", Hook::Switch(Switch::KeepsTheSurplus);
    "keeps-its-fee", "L1-200",
    "Keeps its own fee of what it sends back", Hook::Switch(Switch::KeepsItsFee);
    "keeps-second-payments", "L1-005",
    "Keeps the coins of those who pay twice", Hook::Switch(Switch::KeepsSecondPayments);
    "keeps-late-coins", "L1-199 L1-200 L1-204 L1-242",
    "Keeps coins that come after an order's expiry", Hook::Switch(Switch::KeepsLateCoins);
    "counts-replaced-payments", "L1-198",
    "Takes a payment for confirmed that was replaced by another", Hook::Switch(Switch::CountsReplacedPayments);
    "gives-up-on-replaced-payments", "L1-192 L1-197 L1-216 L1-229",
    "Sees no more coins once a payment was replaced", Hook::Switch(Switch::GivesUpOnReplacedPayments);
    "loses-reorganised-payments", "L1-216 L1-229",
    "Takes a payment for lost that a reorganisation has moved", Hook::Switch(Switch::LosesReorganisedPayments);
    "ignores-payments-after-a-loss", "L1-216 L1-229",
    "Sees no more coins once a payment is gone that it had counted", Hook::Switch(Switch::IgnoresPaymentsAfterALoss);
    "keeps-parts", "L1-199 L1-200",
    "Keeps two payments that make up the price, and opens no channel", Hook::Switch(Switch::KeepsParts);
    "never-serves-parts", "L1-216",
    "Takes two payments for the price, and doesn't open the channel", Hook::Switch(Switch::NeverServesParts);
    "never-bumps-refunds", "L1-203",
    "Leaves refunds at their first fee", Hook::Switch(Switch::NeverBumpsRefunds);
    "bumps-refunds-to-itself", "L1-199 L1-203",
    "Sends the coins to itself when it raises the fee of a refund", Hook::Switch(Switch::BumpsRefundsToItself);
    "refund-is-hidden", "L1-204 L1-232",
    "Goes on to show coins as paid that went back", Hook::Result(ORDERS, &[Do(life::refund_of_coins_is_hidden)]);
};
