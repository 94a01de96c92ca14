//! bLIP-50, JSON-RPC 2.0: the response and its id, and the names of methods.

use super::super::{payload, rewrite};
use super::Edit::{Do, Set};
use super::{ALL, CreateOrder, Fault, GetOrder, Hook, ListProtocols, Needs, Switch, faults};

pub(super) const FAULTS: &[Fault] = faults! { Messages;
    "jsonrpc-version-number", "L0-047",
    "Answers with jsonrpc as the number 2.0", Hook::Response(ALL, &[Set("jsonrpc", "2.0")]);
    "result-and-error", "L0-004 L0-012 L0-026 L0-050 L0-106 L0-107 L0-113 L0-120 L0-133 L0-156 L0-159 L1-001 L1-009 \
     L1-010 L1-038 L1-056 L1-059 L1-064 L1-067",
    "Adds a null error to every result", Hook::Response(ALL, &[Do(rewrite::error_beside_result)]);
    "result-beside-bad-token", "L0-050 L1-107 L1-109",
    "Adds a null result to the error about an unknown token", Hook::Response(&[CreateOrder], &[Do(rewrite::result_beside_bad_token)]);
    "method-in-response", "L0-053",
    "Adds a method to every answer", Hook::Response(ALL, &[Set("method", "\"lsps1.reply\"")]);
    "id-not-echoed", "L0-039 L0-048 L0-086 L0-129 L1-114 L1-117 L1-119 L1-120 L1-121",
    "Answers get_order with an id of its own", Hook::Response(&[GetOrder], &[Do(rewrite::another_id)]);
    "id-cut", "L0-048",
    "Cuts ids after 64 characters", Hook::Response(ALL, &[Do(rewrite::id_cut)]);
    "id-cut-at-zero", "L0-017 L0-048",
    "Cuts ids at a zero character", Hook::Response(ALL, &[Do(rewrite::id_cut_at_zero)]);
    "numeric-id-as-string", "L0-048 L0-049",
    "Echoes numeric ids as strings", Hook::Response(ALL, &[Do(rewrite::numeric_id_as_string)]);
    "answers-twice", "L0-001 L0-048 L0-052 L0-083 L0-129",
    "Sends the answer to list_protocols twice", Hook::Switch(Switch::AnswersTwice);
    "bare-protocols", "L0-055 L0-063 L0-108 RD-008",
    "Answers list_protocols with the list itself", Hook::Response(&[ListProtocols], &[Do(rewrite::bare_protocols)]);
    "wants-params", "L0-107",
    "Refuses requests without params for methods that have none", Hook::Rejects(payload::reject_without_params);
    "matches-methods-loosely", "L0-054 L0-130",
    "Ignores the case of method names and white space around them", Hook::Switch(Switch::MatchesMethodsLoosely);
    "silent-on-unknown-method", "L0-054 L0-057 L0-058 L0-130 L0-131",
    "Doesn't answer unknown methods", Hook::Switch(Switch::SilentOnUnknownMethod);
    "checks-params-first", "L0-131",
    "Refuses the params of unknown methods instead of the method", Hook::Switch(Switch::ChecksParamsFirst);
};
