//! The REST dialect.

use super::super::{http, params};
use super::Edit::Do;
use super::{ALL, CreateOrder, Faces, Fault, GetInfo, GetOrder, Hook, Needs, Switch, faults};

pub(super) const FAULTS: &[Fault] = faults! { Messages;
    "rest-json-rpc", "L1-011 L1-012 L1-013 L1-014 L1-015 L1-016 L1-017 L1-018 L1-019 L1-020 L1-021 L1-022 L1-024 \
     L1-025 L1-026 L1-027 L1-028 L1-029 L1-030 L1-031 RD-001 RD-003 RD-004 RD-007",
    "Wraps REST's answers to get_info in JSON-RPC", Hook::Http(&[GetInfo], http::wrap_in_json_rpc);
    "rest-content-type-html", "RD-002",
    "Serves JSON as text/html", Hook::Http(ALL, |reply| reply.content_type = "text/html");
    "rest-bounds-differ", "L1-044 L1-100 RD-009 RD-015",
    "Offers less over REST than over custom messages", Hook::Http(&[GetInfo], http::other_maximum);
    "rest-onchain-confirmations-string", "RD-005",
    "Sends min_onchain_payment_confirmations as a string", Hook::Http(&[GetInfo], http::onchain_confirmations_as_text);
    "rest-onchain-size-number", "RD-006",
    "Sends min_onchain_payment_size_sat as a number", Hook::Http(&[GetInfo], http::onchain_size_as_number);
    "rest-no-uris", "RD-007",
    "Leaves uris out of get_info", Hook::Switch(Switch::RestOmitsUris);
    "rest-uris-empty", "L0-149 L0-153 RD-007",
    "Sends an empty list of uris", Hook::Http(&[GetInfo], http::no_uris);
    "rest-uri-without-port", "L0-153 RD-007",
    "Leaves the port out of uris", Hook::Http(&[GetInfo], http::uri_without_port);
    "rest-uri-short-key", "L0-149 L0-153 RD-007",
    "Leaves the first byte out of the keys in uris", Hook::Http(&[GetInfo], http::uri_with_short_key);
    "rest-uris-of-two-nodes", "RD-007",
    "Names two nodes in uris", Hook::Http(&[GetInfo], http::uris_of_two_nodes);
    "rest-order-wrapped", "L1-046 L1-047 L1-050 L1-065 L1-077 L1-079 L1-080 L1-081 L1-082 L1-083 L1-084 L1-085 L1-086 \
     L1-087 L1-088 L1-089 L1-091 L1-092 L1-094 L1-095 L1-125 RD-010 RD-013 RD-016",
    "Puts new orders into an object of their own", Hook::Http(&[CreateOrder], http::wrap_in_order);
    "rest-public-key-defaults", "RD-011",
    "Takes orders without public_key", Hook::Params(Faces::Rest, &[CreateOrder], &[Do(params::default_public_key)]);
    "rest-takes-any-public-key", "L0-149 RD-011",
    "Takes public keys that are none", Hook::Params(Faces::Rest, &[CreateOrder], &[Do(params::replace_bad_public_key)]);
    "rest-takes-key-off-curve", "L0-152",
    "Takes public keys that are no points of the curve", Hook::Params(Faces::Rest, &[CreateOrder], &[Do(params::replace_key_off_curve)]);
    "rest-wants-lower-case-keys", "L0-151",
    "Refuses public keys in upper case", Hook::Refuses(Faces::Rest, &[CreateOrder], params::refuse_upper_case_key);
    "rest-refuses-empty-refund-address", "RD-012",
    "Refuses an empty refund address", Hook::Refuses(Faces::Rest, &[CreateOrder], params::refuse_empty_refund);
    "rest-errors-with-200", "L0-137 L0-149 L0-152 L0-159 L0-160 L1-004 L1-041 L1-042 L1-043 L1-044 L1-045 L1-048 L1-051 \
     L1-052 L1-053 L1-054 L1-057 L1-058 L1-062 L1-063 L1-064 L1-065 L1-068 L1-071 L1-077 L1-081 \
     L1-082 L1-083 L1-084 L1-085 L1-086 L1-087 L1-088 L1-089 L1-091 L1-092 L1-094 L1-095 L1-100 \
     L1-103 L1-107 L1-111 L1-114 L1-117 L1-119 RD-011 RD-015 RD-021",
    "Answers REST errors with status 200 and code and message at the top", Hook::Switch(Switch::RestErrorsAreOk);
    "rest-order-for-error", "L0-137 L0-149 L0-152 L0-159 L0-160 L1-004 L1-041 L1-042 L1-043 L1-044 L1-045 L1-048 L1-051 \
     L1-052 L1-053 L1-054 L1-057 L1-058 L1-062 L1-063 L1-064 L1-065 L1-068 L1-071 L1-078 L1-081 \
     L1-082 L1-083 L1-084 L1-085 L1-086 L1-087 L1-088 L1-089 L1-092 L1-094 L1-095 L1-100 L1-103 \
     L1-107 L1-111 L1-115 RD-011 RD-015 RD-019",
    "Answers orders that it refuses with an order that failed", Hook::Http(&[CreateOrder], http::order_for_error);
    "rest-nothing-for-unknown-order", "L1-077 L1-091 L1-094 L1-095 L1-114 L1-117 L1-119 RD-021",
    "Answers requests for unknown orders with status 200 and an empty object", Hook::Http(&[GetOrder], http::nothing_for_error);
    "rest-serves-any-verb", "RD-023",
    "Serves POST get_info", Hook::Switch(Switch::RestServesAnyVerb);
};
