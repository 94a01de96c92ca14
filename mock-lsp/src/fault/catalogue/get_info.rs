//! bLIP-51 section 1, lsps1.get_info.

use super::super::{params, rewrite};
use super::Edit::{Do, Number, Remove, Set, Text};
use super::{Faces, Fault, GetInfo, Hook, Needs, Switch, faults};

pub(super) const FAULTS: &[Fault] = faults! { Messages;
    "get-info-wants-version", "L0-107 L0-111 L1-001 L1-010 L1-011 L1-012 L1-013 L1-014 L1-015 L1-016 L1-017 L1-018 L1-019 \
     L1-020 L1-021 L1-038",
    "Refuses get_info without a version, as in 2023", Hook::Refuses(Faces::P2p, &[GetInfo], params::refuse_without_version);
    "hides-large-channels", "L1-074",
    "Offers channels of 20000000 sat, with an init that says that it can't make them", Hook::Switch(Switch::HidesLargeChannels);
    "tires-of-get-info", "L1-038",
    "Refuses a client's tenth get_info in a row", Hook::Switch(Switch::TiresOfGetInfo);
    "get-info-wants-params-later", "L1-010 L1-038",
    "Refuses get_info without params once the client has ordered", Hook::Switch(Switch::WantsInfoParamsLater);
    "info-moves", "L1-006 L1-007 L1-044 L1-100 RD-009",
    "Offers another maximum with every other answer", Hook::Result(&[GetInfo], &[Do(rewrite::moving_info)]);
    "zero-reserve-moves", "L1-006 L1-007 RD-009",
    "Says of zero reserve one thing and the other in turns", Hook::Result(&[GetInfo], &[Do(rewrite::moving_zero_reserve)]);
    "nested-options", "L1-011 L1-012 L1-013 L1-014 L1-015 L1-016 L1-017 L1-018 L1-019 L1-020 L1-021 L1-022 L1-024 \
     L1-025 L1-026 L1-027 L1-028 L1-029 L1-030 L1-031 RD-003 RD-004",
    "Nests get_info's options, as before mid-2024", Hook::Result(&[GetInfo], &[Do(rewrite::nest_options)]);
    "min-confirmations-missing", "L1-012 L1-022 RD-003",
    "Leaves min_required_channel_confirmations out", Hook::Result(&[GetInfo], &[Remove("min_required_channel_confirmations")]);
    "min-confirmations-negative", "L1-012 L1-022 RD-003",
    "Sends -1 as min_required_channel_confirmations", Hook::Result(&[GetInfo], &[Set("min_required_channel_confirmations", "-1")]);
    "min-funding-confirms-string", "L1-013 RD-003",
    "Sends min_funding_confirms_within_blocks as a string", Hook::Result(&[GetInfo], &[Text("min_funding_confirms_within_blocks")]);
    "min-funding-confirms-zero", "L1-024 RD-003",
    "Offers funding that confirms within 0 blocks", Hook::Terms { offered: |terms| terms.min_funding_confirms_within_blocks = 0, checked: |_| {} };
    "zero-reserve-missing", "L1-014 RD-003",
    "Leaves supports_zero_channel_reserve out", Hook::Result(&[GetInfo], &[Remove("supports_zero_channel_reserve")]);
    "zero-reserve-string", "L1-014 RD-003",
    "Sends supports_zero_channel_reserve as a string", Hook::Result(&[GetInfo], &[Text("supports_zero_channel_reserve")]);
    "max-expiry-string", "L1-015 RD-003",
    "Sends max_channel_expiry_blocks as a string", Hook::Result(&[GetInfo], &[Text("max_channel_expiry_blocks")]);
    "max-expiry-zero", "L1-025 RD-003",
    "Sends 0 as max_channel_expiry_blocks", Hook::Result(&[GetInfo], &[Set("max_channel_expiry_blocks", "0")]);
    "min-client-balance-number", "L0-136 L1-016 RD-003",
    "Sends min_initial_client_balance_sat as a number", Hook::Result(&[GetInfo], &[Number("min_initial_client_balance_sat")]);
    "max-client-balance-number", "L0-136 L1-017 RD-003",
    "Sends max_initial_client_balance_sat as a number", Hook::Result(&[GetInfo], &[Number("max_initial_client_balance_sat")]);
    "min-lsp-balance-number", "L0-136 L1-018 RD-003",
    "Sends min_initial_lsp_balance_sat as a number", Hook::Result(&[GetInfo], &[Number("min_initial_lsp_balance_sat")]);
    "max-lsp-balance-number", "L0-136 L1-019 RD-003",
    "Sends max_initial_lsp_balance_sat as a number", Hook::Result(&[GetInfo], &[Number("max_initial_lsp_balance_sat")]);
    "min-channel-balance-number", "L0-136 L1-020 RD-003",
    "Sends min_channel_balance_sat as a number", Hook::Result(&[GetInfo], &[Number("min_channel_balance_sat")]);
    "info-sat-as-number", "L0-136 L1-021 RD-003",
    "Sends max_channel_balance_sat as a number", Hook::Result(&[GetInfo], &[Number("max_channel_balance_sat")]);
    "min-client-balance-negative", "L0-136 L1-016 L1-026 RD-003",
    "Sends -1 as min_initial_client_balance_sat", Hook::Result(&[GetInfo], &[Set("min_initial_client_balance_sat", "\"-1\"")]);
    "max-client-balance-negative", "L0-136 L1-017 L1-027 L1-032 L1-048 L1-050 L1-100 RD-003",
    "Sends -1 as max_initial_client_balance_sat", Hook::Result(&[GetInfo], &[Set("max_initial_client_balance_sat", "\"-1\"")]);
    "min-lsp-balance-negative", "L0-136 L1-018 L1-028 RD-003",
    "Sends -1 as min_initial_lsp_balance_sat", Hook::Result(&[GetInfo], &[Set("min_initial_lsp_balance_sat", "\"-1\"")]);
    "max-lsp-balance-negative", "L0-136 L1-019 L1-029 L1-033 L1-035 L1-044 L1-100 L1-111 RD-003",
    "Sends -1 as max_initial_lsp_balance_sat", Hook::Result(&[GetInfo], &[Set("max_initial_lsp_balance_sat", "\"-1\"")]);
    "min-channel-balance-negative", "L0-136 L1-020 L1-030 RD-003",
    "Sends -1 as min_channel_balance_sat", Hook::Result(&[GetInfo], &[Set("min_channel_balance_sat", "\"-1\"")]);
    "max-channel-balance-negative", "L0-136 L1-021 L1-031 L1-034 L1-035 RD-003",
    "Sends -1 as max_channel_balance_sat", Hook::Result(&[GetInfo], &[Set("max_channel_balance_sat", "\"-1\"")]);
    "max-client-below-min", "L1-032 L1-035",
    "Names a largest client balance that is smaller than the smallest", Hook::Result(&[GetInfo], &[Do(rewrite::turn_client_range)]);
    "max-lsp-below-min", "L1-033 L1-035",
    "Names a largest LSP balance that is smaller than the smallest", Hook::Result(&[GetInfo], &[Do(rewrite::turn_lsp_range)]);
    "max-below-min", "L1-034 L1-035",
    "Names a largest channel that is smaller than the smallest", Hook::Result(&[GetInfo], &[Do(rewrite::turn_channel_range)]);
    "ranges-exclude-each-other", "L1-035",
    "Names a smallest channel that no two balances add up to", Hook::Result(&[GetInfo], &[Set("min_channel_balance_sat", "\"20000000\""), Set("max_channel_balance_sat", "\"30000000\"")]);
};
