//! bLIP-50, Lightning Peer-To-Peer Transport, Message Payload Format and Lightning Feature Bit.

use super::super::payload;
use super::{CreateOrder, Fault, GetOrder, Hook, Needs, Switch, faults};

pub(super) const FAULTS: &[Fault] = faults! { Messages;
    "compulsory-feature", "L0-101",
    "Sets feature bit 728 in its init, so that most clients hang up", Hook::Switch(Switch::DemandsFeature);
    "greets-peers", "L0-045",
    "Sends a notification to whoever connects", Hook::Switch(Switch::GreetsPeers);
    "takes-bad-utf8", "L0-010 L0-023",
    "Reads payloads that aren't UTF-8", Hook::Switch(Switch::TakesBadUtf8);
    "takes-byte-order-mark", "L0-011",
    "Reads payloads that start with a byte-order mark", Hook::Incoming(payload::strip_byte_order_mark);
    "takes-utf16", "L0-011 L0-023",
    "Reads payloads in UTF-16", Hook::Incoming(payload::decode_utf16);
    "takes-zero-bytes", "L0-016 L0-023",
    "Drops zero bytes behind a request instead of refusing it", Hook::Switch(Switch::TakesZeroBytes);
    "takes-other-whitespace", "L0-013 L0-023",
    "Reads payloads with white space around them that isn't JSON's", Hook::Incoming(payload::trim_any_space);
    "wants-no-whitespace", "L0-004 L0-012 L0-044",
    "Refuses payloads with white space around the object", Hook::Rejects(payload::reject_space_around);
    "wants-short-payloads", "L0-004 L0-044",
    "Refuses payloads of more than 32 KiB", Hook::Rejects(payload::reject_long);
    "wants-jsonrpc-first", "L0-044 L0-055",
    "Refuses requests that don't start with jsonrpc", Hook::Rejects(payload::reject_other_order);
    "takes-trailing-bytes", "L0-013 L0-014 L0-015 L0-023 L0-026",
    "Reads the first object of a payload and drops the rest", Hook::Switch(Switch::TakesTrailingBytes);
    "takes-any-version", "L0-018",
    "Serves requests without jsonrpc 2.0", Hook::Switch(Switch::TakesAnyVersion);
    "takes-no-method", "L0-019",
    "Takes requests without method for list_protocols", Hook::Incoming(payload::default_method);
    "takes-scalar-params", "L0-021",
    "Takes params that are neither object nor array as none", Hook::Incoming(payload::drop_scalar_params);
    "takes-any-id", "L0-022",
    "Serves requests whose id is a boolean, an object or an array", Hook::Incoming(payload::stringify_id);
    "serves-batches", "L0-008 L0-023",
    "Serves the first request of an array", Hook::Incoming(payload::first_of_batch);
    "invalid-request-for-non-objects", "L0-007 L0-008 L0-023",
    "Answers payloads that are JSON but no object with -32600", Hook::Rejects(payload::reject_non_object);
    "method-not-found-for-responses", "L0-020",
    "Answers responses of a client with -32601", Hook::Rejects(payload::reject_response);
    "silent-on-bad-format", "L0-006 L0-007 L0-008 L0-009 L0-010 L0-011 L0-013 L0-014 L0-015 L0-016 L0-018 L0-019 L0-020 \
     L0-021 L0-022 L0-023 L0-026",
    "Doesn't answer payloads of bad format", Hook::Switch(Switch::SilentOnBadFormat);
    "silent-on-incomplete-json", "L0-006 L0-023",
    "Waits for the rest of JSON that ends too early", Hook::Drops(payload::is_incomplete);
    "silent-on-empty-payload", "L0-009 L0-023",
    "Doesn't answer empty and blank payloads", Hook::Drops(payload::is_blank);
    "silent-on-escaped-letters", "L0-133",
    "Doesn't answer requests with letters written as escapes", Hook::Drops(payload::has_escaped_letter);
    "parse-error-echoes-id", "L0-022 L0-024",
    "Answers bad format with the id that could be read", Hook::Switch(Switch::ParseErrorEchoesId);
    "ignores-after-bad-format", "L0-026",
    "Ignores a client that has sent a payload of bad format until it reconnects", Hook::Switch(Switch::IgnoresAfterBadFormat);
    "ignores-after-errors", "L0-026 L0-052",
    "Ignores a client that it has sent an error until it reconnects", Hook::Switch(Switch::IgnoresAfterErrors);
    "serves-positional-params", "L0-039",
    "Takes by-position params as none", Hook::Switch(Switch::ServesPositional);
    "serves-notifications", "L0-040",
    "Serves requests without id and answers with id null", Hook::Switch(Switch::ServesNotifications);
    "notifies-without-params", "L0-042 L0-052",
    "Sends a notification without params before each answer to get_order", Hook::Switch(Switch::NotifiesWithoutParams);
    "notifies-by-position", "L0-043 L0-052",
    "Sends a notification with by-position params before each answer to get_order", Hook::Switch(Switch::NotifiesByPosition);
    "answers-other-types", "L0-003 L0-048",
    "Answers requests in messages of other types than 37913", Hook::Switch(Switch::AnswersOtherTypes);
    "replays-answers", "L0-048 L0-052 L0-098 L1-078",
    "Sends a client's last answer again when the client is back", Hook::Switch(Switch::ReplaysAnswers);
    "length-in-front", "L0-002 L0-039 L0-041 L0-048 L0-086 L0-129 L1-114 L1-117 L1-119 L1-120 L1-121",
    "Puts two bytes of length in front of get_order's answers", Hook::Payload(&[GetOrder], payload::length_in_front);
    "trailing-newline-garbage", "L0-002 L0-039 L0-041 L0-048 L0-086 L0-129 L1-114 L1-117 L1-119 L1-120 L1-121",
    "Ends get_order's answers with a newline and two letters", Hook::Payload(&[GetOrder], |bytes| bytes.extend_from_slice(b"\nOK"));
    "zero-byte-at-end", "L0-002 L0-039 L0-041 L0-048 L0-086 L0-129 L1-114 L1-117 L1-119 L1-120 L1-121",
    "Ends get_order's answers with a zero byte", Hook::Payload(&[GetOrder], |bytes| bytes.push(0));
    "latin-1-answers", "L0-039 L0-041 L0-048 L0-086 L0-129 L1-114 L1-117 L1-119 L1-120 L1-121",
    "Adds a member with a letter in Latin-1 to get_order's answers", Hook::Payload(&[GetOrder], payload::add_latin_1);
    "zero-byte-after-bad-token", "L0-002 L0-041 L1-107 L1-109",
    "Ends the error about an unknown token with a zero byte", Hook::Payload(&[CreateOrder], payload::zero_after_bad_token);
    "latin-1-bad-token", "L0-041 L1-107 L1-109",
    "Adds a member with a letter in Latin-1 to the error about an unknown token", Hook::Payload(&[CreateOrder], payload::latin_1_in_bad_token);
    "needless-escapes", "L0-132",
    "Writes the first digit of every amount as an escape", Hook::Payload(super::ALL, payload::needless_escapes);
};
