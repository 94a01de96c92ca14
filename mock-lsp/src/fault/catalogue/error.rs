//! bLIP-50, Error Handling, and the errors of bLIP-51.

use super::super::{params, rewrite};
use super::Edit::{Do, Remove, Replace, Set, Text};
use super::{ALL, CreateOrder, Faces, Fault, GetOrder, Hook, Needs, faults};

pub(super) const FAULTS: &[Fault] = faults! { Messages;
    "parse-error-code", "L0-006 L0-007 L0-008 L0-009 L0-010 L0-011 L0-013 L0-014 L0-015 L0-016 L0-018 L0-019 L0-020 \
     L0-021 L0-023 L0-026",
    "Answers bad format with -32600", Hook::Error(&[-32700], &[Set("code", "-32600")]);
    "parse-error-without-id", "L0-006 L0-007 L0-008 L0-009 L0-010 L0-011 L0-013 L0-014 L0-015 L0-016 L0-022 L0-023 L0-024 \
     L0-026",
    "Leaves the id out of answers to bad format", Hook::Response(ALL, &[Do(rewrite::no_id_on_parse_error)]);
    "parse-error-text", "L0-025",
    "Answers bad format with another text", Hook::Error(&[-32700], &[Set("message", "\"cannot read this\"")]);
    "unknown-method-code", "L0-044 L0-054 L0-057 L0-058 L0-130 L0-131",
    "Answers unknown methods with -32600", Hook::Error(&[-32601], &[Set("code", "-32600")]);
    "invalid-params-code", "L0-044 L0-083 L0-084 L0-085 L0-086 L0-115 L0-129 L0-137 L0-138 L0-159 L0-160 L1-041 L1-042 \
     L1-043 L1-054 L1-057 L1-062 L1-063 L1-065 L1-068 L1-071 L1-076 L1-103 L1-114 RD-015",
    "Answers invalid params with -32600", Hook::Error(&[-32602], &[Set("code", "-32600")]);
    "invalid-params-as-mismatch", "L0-039 L0-083 L0-084 L0-085 L0-086 L0-115 L0-129 L0-137 L0-159 L0-160 L1-041 L1-042 L1-043 \
     L1-054 L1-057 L1-062 L1-065 L1-068 L1-071 L1-076 L1-101 L1-102 L1-103 L1-114",
    "Answers invalid params with 100", Hook::Error(&[-32602], &[Set("code", "100")]);
    "invalid-params-as-own-code", "L0-039 L0-083 L0-084 L0-085 L0-086 L0-087 L0-115 L0-129 L0-137 L0-138 L0-149 L0-152 L0-159 \
     L0-160 L1-041 L1-042 L1-043 L1-054 L1-057 L1-062 L1-063 L1-065 L1-068 L1-071 L1-076 L1-103 \
     L1-114 RD-011 RD-015",
    "Answers invalid params with 422, a code of nobody's range", Hook::Error(&[-32602], &[Set("code", "422")]);
    "error-code-string", "L0-006 L0-007 L0-008 L0-009 L0-010 L0-011 L0-013 L0-014 L0-015 L0-016 L0-018 L0-019 L0-020 \
     L0-021 L0-023 L0-026 L0-039 L0-051 L0-054 L0-057 L0-058 L0-083 L0-084 L0-085 L0-086 L0-115 \
     L0-129 L0-130 L0-131 L0-137 L0-138 L0-139 L0-159 L0-160 L1-041 L1-042 L1-043 L1-044 L1-045 \
     L1-048 L1-051 L1-052 L1-053 L1-054 L1-057 L1-058 L1-062 L1-063 L1-064 L1-065 L1-068 L1-071 \
     L1-076 L1-100 L1-103 L1-107 L1-111 L1-114 L1-117 L1-119 L1-120",
    "Sends error codes as strings", Hook::Error(&[], &[Text("code")]);
    "error-message-missing", "L0-025 L0-051",
    "Leaves out the message of errors", Hook::Error(&[], &[Remove("message")]);
    "error-data-string", "L0-060 L0-079 L0-080 L0-081 L0-082 L0-160 L1-043 L1-063 L1-068 L1-076 L1-101 L1-102 L1-104 \
     L1-105 L1-108 L1-114 L1-118",
    "Sends the data of errors as a string", Hook::Error(&[], &[Do(rewrite::data_as_string)]);
    "error-data-missing", "L0-079 L0-080 L0-081 L0-082 L0-160 L1-043 L1-063 L1-068 L1-076 L1-104 L1-105 L1-114",
    "Leaves out the data of invalid params", Hook::Error(&[-32602], &[Remove("data")]);
    "bad-order-id-without-data", "L0-079 L1-114",
    "Leaves out the data of the error about an order_id that is no string", Hook::Error(&[-32602], &[Do(rewrite::no_data_on_bad_order_id)]);
    "announce-below-params", "L1-104 L1-105",
    "Names a bad announce_channel as params.announce_channel", Hook::Error(&[-32602], &[Do(rewrite::announce_below_params)]);
    "error-names-an-order", "L0-137 L0-149 L0-152 L0-159 L0-160 L1-041 L1-042 L1-043 L1-054 L1-057 L1-062 L1-063 L1-065 \
     L1-068 L1-071 L1-075 L1-103 L1-114 RD-011 RD-015",
    "Adds an order_id to the data of invalid params", Hook::Error(&[-32602], &[Set("data.order_id", "\"00000000-0000-4000-8000-000000000002\"")]);
    "failed-order-for-error", "L0-085 L0-115 L0-129 L0-137 L0-138 L0-159 L0-160 L1-004 L1-041 L1-042 L1-043 L1-054 L1-057 \
     L1-062 L1-063 L1-065 L1-068 L1-071 L1-076 L1-077 L1-081 L1-082 L1-083 L1-084 L1-085 L1-086 \
     L1-088 L1-089 L1-092 L1-094 L1-095 L1-103",
    "Answers invalid params with an order that failed", Hook::Response(&[CreateOrder], &[Do(rewrite::failed_order_for_error)]);
    "unrecognized-missing", "L0-080 L0-081 L0-082 L1-104",
    "Leaves unrecognized out of -32602", Hook::Error(&[-32602], &[Remove("data.unrecognized")]);
    "unrecognized-null", "L0-080 L0-081",
    "Sends a null unrecognized where all params are known", Hook::Error(&[-32602], &[Do(rewrite::null_for_none_unrecognized)]);
    "unrecognized-cut", "L0-081 L0-082",
    "Names one unknown parameter only", Hook::Error(&[-32602], &[Do(rewrite::first_unrecognized)]);
    "unrecognized-names-known", "L0-081 L0-082",
    "Names a known parameter among the unknown", Hook::Error(&[-32602], &[Do(rewrite::known_among_unrecognized)]);
    "property-missing", "L0-160 L1-043 L1-063 L1-068 L1-076 L1-104 L1-105 L1-114",
    "Doesn't say which parameter is invalid", Hook::Error(&[-32602], &[Remove("data.property")]);
    "property-below-params", "L0-160 L1-043 L1-063 L1-068 L1-076 L1-104 L1-105 L1-114",
    "Names an invalid parameter as params.NAME", Hook::Error(&[-32602], &[Do(rewrite::property_below_params)]);
    "property-is-pointer", "L0-160 L1-043 L1-063 L1-068 L1-076 L1-104 L1-105 L1-106 L1-114",
    "Names an invalid parameter as /NAME", Hook::Error(&[-32602], &[Do(rewrite::property_is_pointer)]);
    "wrong-option-code", "L0-087 L0-138 L0-139 L1-044 L1-045 L1-048 L1-051 L1-052 L1-053 L1-058 L1-064 L1-100 L1-111 \
     RD-015",
    "Answers option mismatches with 1000, as in 2023", Hook::Error(&[100], &[Set("code", "1000")]);
    "option-as-invalid-params", "L0-138 L0-139 L1-044 L1-045 L1-048 L1-051 L1-052 L1-058 L1-064 L1-100 L1-105 L1-111",
    "Answers option mismatches with -32602", Hook::Error(&[100], &[Set("code", "-32602"), Set("data.unrecognized", "[]")]);
    "option-property-number", "L1-101 L1-102",
    "Sends the property of error 100 as a number", Hook::Error(&[100], &[Replace("data.property", "7")]);
    "option-message-missing", "L1-101",
    "Leaves the message out of the data of error 100", Hook::Error(&[100], &[Remove("data.message")]);
    "option-below-options", "L1-102",
    "Names options as options.NAME in error 100, as in 2023", Hook::Error(&[100], &[Do(rewrite::property_below_options)]);
    "property-request-field", "L1-102",
    "Names the parameter instead of the option in error 100", Hook::Error(&[100], &[Do(rewrite::property_is_request_field)]);
    "not-found-404", "L0-087 L1-117 L1-119 L1-120",
    "Answers unknown orders with 404, as in 2023", Hook::Error(&[101], &[Set("code", "404")]);
    "not-found-data-null", "L0-060 L1-118",
    "Answers unknown orders with data null", Hook::Error(&[101], &[Set("data", "null")]);
    "not-found-null", "L0-063 L1-117 L1-119 L1-120",
    "Answers unknown orders with a null result", Hook::Response(&[GetOrder], &[Do(rewrite::null_for_unknown_order)]);
    "several-faults-own-code", "L0-087 L1-111",
    "Answers orders with an unknown token and too large an amount with 422", Hook::Refuses(Faces::Both, &[CreateOrder], params::fail_on_token_and_amount);
    "bad-token-code", "L1-101 L1-107 L1-109 RD-015",
    "Answers unknown tokens with 100", Hook::Error(&[102], &[Set("code", "100")]);
    "bad-token-invalid-request", "L0-044 L1-107 L1-109 RD-015",
    "Answers unknown tokens with -32600", Hook::Error(&[102], &[Set("code", "-32600")]);
    "bad-token-names-an-invoice", "L1-075",
    "Adds an invoice to the data of the error about an unknown token", Hook::Error(&[102], &[Set("data.invoice", "\"lnbc1\"")]);
    "bad-token-data-null", "L0-060 L1-108",
    "Answers unknown tokens with data null", Hook::Error(&[102], &[Set("data", "null")]);
    "bad-token-as-rejection", "L0-167 L1-107 L1-109 L1-110",
    "Answers unknown tokens with code 1, without its data", Hook::Error(&[102], &[Set("code", "1"), Remove("data")]);
    "bad-token-code-padded", "L0-051 L0-088 L1-107 L1-109",
    "Answers unknown tokens with the code \"001\", as the specification prints it", Hook::Error(&[102], &[Set("code", "\"001\"")]);
};
