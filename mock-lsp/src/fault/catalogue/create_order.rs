//! bLIP-51 section 2, lsps1.create_order: how its params are read, and whether they fit the options.

use super::super::{params, payload};
use super::Edit::Do;
use super::{CreateOrder, Faces, Fault, Hook, Needs, Switch, faults};

const ORDER: &[super::Method] = &[CreateOrder];

pub(super) const READING: &[Fault] = faults! { Messages;
    "wants-get-info-first", "L1-009",
    "Refuses orders on connections that get_info wasn't called on", Hook::Switch(Switch::WantsInfoFirst);
    "creates-once", "L1-040 L1-078",
    "Answers an order like an earlier one with the earlier one", Hook::Switch(Switch::CreatesOnce);
    "no-params-is-bad-format", "L0-044 L1-076 L1-103",
    "Answers create_order without params with -32700", Hook::Rejects(payload::reject_bare_order);
    "lsp-balance-defaults", "L0-138 L1-004 L1-041 L1-103 RD-015",
    "Takes a missing or bad lsp_balance_sat for 25000", Hook::Params(Faces::Both, ORDER, &[Do(params::default_lsp_balance)]);
    "client-balance-defaults", "L1-042 L1-103",
    "Takes a missing or bad client_balance_sat for 0", Hook::Params(Faces::Both, ORDER, &[Do(params::default_client_balance)]);
    "confirmations-default", "L1-054 L1-083 L1-103",
    "Takes missing or bad required_channel_confirmations for 0", Hook::Params(Faces::Both, ORDER, &[Do(params::default_confirmations)]);
    "funding-blocks-default", "L1-057 L1-084 L1-103",
    "Takes missing or bad funding_confirms_within_blocks for 6", Hook::Params(Faces::Both, ORDER, &[Do(params::default_funding_blocks)]);
    "expiry-defaults", "L1-062 L1-085 L1-103",
    "Takes missing or bad channel_expiry_blocks for 144", Hook::Params(Faces::Both, ORDER, &[Do(params::default_expiry)]);
    "announce-defaults", "L1-004 L1-071 L1-103 RD-015",
    "Takes a missing or bad announce_channel for false", Hook::Params(Faces::Both, ORDER, &[Do(params::default_announce)]);
    "takes-any-token-type", "L1-065 L1-103",
    "Takes a token that is no string for none", Hook::Params(Faces::Both, ORDER, &[Do(params::drop_bad_token)]);
    "takes-any-refund-type", "L1-068 L1-103",
    "Takes a refund address that is no string for none", Hook::Params(Faces::Both, ORDER, &[Do(params::drop_bad_refund_address)]);
    "takes-any-address", "L0-159 L0-160 L1-068 L1-103",
    "Takes any text as refund address", Hook::Switch(Switch::TakesAnyAddress);
    "takes-numeric-sat", "L1-041 L1-042 L1-103",
    "Takes amounts that are numbers", Hook::Switch(Switch::TakesNumericSat);
    "rounds-large-amounts", "L0-138 L0-139",
    "Reads amounts as floating-point numbers", Hook::Params(Faces::Both, ORDER, &[Do(params::round_lsp_balance)]);
    "fails-on-large-amounts", "L0-138 L1-053 RD-015",
    "Fails where an amount has more than 63 bits", Hook::Refuses(Faces::Both, ORDER, params::fail_on_large_balance);
    "fails-on-large-sums", "L1-053",
    "Fails where both balances together have more than 64 bits", Hook::Refuses(Faces::Both, ORDER, params::fail_on_large_sum);
    "wants-token", "L0-081 L0-082 L0-120 L0-138 L0-139 L0-151 L1-009 L1-043 L1-044 L1-045 L1-046 L1-047 L1-048 \
     L1-050 L1-051 L1-052 L1-056 L1-058 L1-059 L1-063 L1-064 L1-068 L1-076 L1-077 L1-100 L1-104 \
     L1-105 RD-010 RD-012",
    "Refuses orders without a token", Hook::Refuses(Faces::Both, ORDER, params::refuse_without_token);
    "refuses-empty-token", "L1-067 RD-013",
    "Refuses an empty token as unknown", Hook::Refuses(Faces::Both, ORDER, params::refuse_empty_token);
    "refuses-taproot-refunds", "L0-156",
    "Refuses refund addresses of version 1", Hook::Refuses(Faces::Both, ORDER, params::refuse_taproot_refund);
};

pub(super) const CHECKING: &[Fault] = faults! { Messages;
    "takes-zero-balance", "L1-043",
    "Takes orders with an LSP balance of 0", Hook::Switch(Switch::TakesZeroBalance);
    "takes-zero-expiry", "L1-063 L1-085",
    "Takes a lease of 0 blocks for one of 1", Hook::Params(Faces::Both, ORDER, &[Do(params::zero_expiry_as_one)]);
    "ignores-max-lsp-balance", "L1-044 L1-051 L1-100",
    "Takes more than max_initial_lsp_balance_sat", Hook::Terms { offered: |_| {}, checked: |terms| { terms.max_initial_lsp_balance_sat += 1_000_000; terms.max_channel_balance_sat += 2_000_000; } };
    "ignores-min-lsp-balance", "L1-045 L1-052 L1-100",
    "Takes less than min_initial_lsp_balance_sat", Hook::Terms { offered: |_| {}, checked: |terms| { terms.min_initial_lsp_balance_sat = 1; terms.min_channel_balance_sat = 1; } };
    "ignores-max-client-balance", "L1-048 L1-100",
    "Takes more than max_initial_client_balance_sat", Hook::Terms { offered: |_| {}, checked: |terms| terms.max_initial_client_balance_sat += 1_000_000 };
    "ignores-min-client-balance", "L1-049 L1-100 RD-015",
    "Offers client balances of 1000 sat and more, and takes less", Hook::Terms { offered: |terms| { terms.min_initial_client_balance_sat = 1_000; terms.min_initial_lsp_balance_sat = terms.min_channel_balance_sat; }, checked: |terms| terms.min_initial_client_balance_sat = 0 };
    "ignores-channel-bounds", "L1-051 L1-052 L1-100",
    "Doesn't check the sum of both balances", Hook::Terms { offered: |_| {}, checked: |terms| (terms.min_channel_balance_sat, terms.max_channel_balance_sat) = (0, u64::MAX) };
    "ignores-min-channel-balance", "L1-052 L1-100",
    "Takes less than min_channel_balance_sat", Hook::Terms { offered: |_| {}, checked: |terms| terms.min_channel_balance_sat = 0 };
    "ignores-max-channel-balance", "L1-051 L1-100",
    "Takes more than max_channel_balance_sat", Hook::Terms { offered: |_| {}, checked: |terms| terms.max_channel_balance_sat += 1_000_000 };
    "ignores-min-confirmations", "L1-055 L1-100",
    "Offers channels after 1 confirmation and more, and takes 0", Hook::Terms { offered: |terms| terms.min_required_channel_confirmations = 1, checked: |terms| terms.min_required_channel_confirmations = 0 };
    "ignores-min-funding-blocks", "L1-058 L1-100",
    "Takes less than min_funding_confirms_within_blocks", Hook::Terms { offered: |_| {}, checked: |terms| terms.min_funding_confirms_within_blocks = 1 };
    "ignores-max-expiry", "L1-064 L1-100",
    "Takes more than max_channel_expiry_blocks", Hook::Terms { offered: |_| {}, checked: |terms| terms.max_channel_expiry_blocks = u32::MAX };
    "bound-exclusive", "L1-046",
    "Refuses an LSP balance of exactly the maximum", Hook::Terms { offered: |_| {}, checked: |terms| terms.max_initial_lsp_balance_sat -= 1 };
    "min-lsp-balance-exclusive", "L1-046 L1-050 L1-102",
    "Refuses an LSP balance of exactly the minimum", Hook::Terms { offered: |_| {}, checked: |terms| terms.min_initial_lsp_balance_sat += 1 };
    "max-client-balance-exclusive", "L1-050",
    "Refuses a client balance of exactly the maximum", Hook::Terms { offered: |_| {}, checked: |terms| terms.max_initial_client_balance_sat -= 1 };
    "max-expiry-exclusive", "L0-120 L0-151 L1-009 L1-046 L1-047 L1-050 L1-056 L1-059 L1-064 L1-065 L1-067 L1-077 L1-087 \
     L1-102 L1-107 RD-010 RD-012 RD-013",
    "Offers a lease one block longer than it sells", Hook::Terms { offered: |_| {}, checked: |terms| terms.max_channel_expiry_blocks -= 1 };
    "wants-client-balance", "L0-081 L0-082 L0-120 L0-138 L0-139 L0-151 L1-009 L1-043 L1-044 L1-045 L1-046 L1-047 L1-050 \
     L1-052 L1-056 L1-058 L1-059 L1-063 L1-064 L1-067 L1-068 L1-077 L1-087 L1-100 L1-104 L1-105 \
     L1-107 L1-111 RD-010 RD-012 RD-013",
    "Refuses orders without a client balance", Hook::Refuses(Faces::Both, ORDER, params::refuse_no_client_balance);
    "confirmations-have-maximum", "L1-054 L1-056 L1-102 L1-103",
    "Refuses more than 144 confirmations", Hook::Refuses(Faces::Both, ORDER, params::refuse_many_confirmations);
    "funding-blocks-have-maximum", "L1-057 L1-059 L1-102 L1-103",
    "Refuses funding within more than 144 blocks", Hook::Refuses(Faces::Both, ORDER, params::refuse_many_funding_blocks);
    "takes-any-token", "L1-107 L1-109",
    "Takes any token", Hook::Switch(Switch::TakesAnyToken);
    "takes-spent-tokens", "L1-109",
    "Takes a token of --spent-token again", Hook::Switch(Switch::TakesSpentTokens);
};
