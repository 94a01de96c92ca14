//! The catalogue of faults: one entry each.

use super::Hook::{Error, Payload, Response, Result, Switch as On};
use super::{Fault, Switch, rewrite};
use crate::message::Method::{self, CreateOrder, GetInfo, GetOrder, ListProtocols};

const ORDERS: &[Method] = &[CreateOrder, GetOrder];

// Requirements that fall together, since one deviation shows in all of them.

/// Bad format is answered with -32700 and id null.
const BAD_FORMAT: &[&str] = &[
    "L0-006", "L0-007", "L0-008", "L0-009", "L0-010", "L0-011", "L0-013", "L0-014", "L0-015",
    "L0-016", "L0-018", "L0-019", "L0-020", "L0-021", "L0-022", "L0-023", "L0-024", "L0-026",
];
/// Unknown methods are answered with -32601.
const UNKNOWN_METHOD: &[&str] = &["L0-054", "L0-057", "L0-058", "L0-130", "L0-131"];
/// Unknown parameters are refused with -32602 that names them.
const UNKNOWN_PARAM: &[&str] =
    &["L0-081", "L0-082", "L0-083", "L0-084", "L0-085", "L0-086", "L0-115", "L0-129"];
/// Parameters with bad values are refused with -32602 that names them.
const BAD_PARAM: &[&str] = &[
    "L0-079", "L0-080", "L0-137", "L0-138", "L0-149", "L0-152", "L0-159", "L0-160", "L1-041",
    "L1-042", "L1-043", "L1-054", "L1-057", "L1-062", "L1-063", "L1-065", "L1-068", "L1-071",
    "L1-076", "L1-103", "L1-104", "L1-105", "L1-106", "L1-114", "RD-011", "RD-015", "RD-021",
];
/// Orders that don't fit the options are refused with error 100 that names the option.
const BAD_OPTION: &[&str] = &[
    "L0-138", "L0-139", "L1-043", "L1-044", "L1-045", "L1-048", "L1-049", "L1-051", "L1-052",
    "L1-053", "L1-055", "L1-058", "L1-063", "L1-064", "L1-100", "L1-101", "L1-102", "L1-111",
    "RD-015",
];
/// Unknown orders are answered with error 101.
const NOT_FOUND: &[&str] = &["L1-117", "L1-118", "L1-119", "L1-120", "RD-021"];
/// Unknown tokens are answered with error 102.
const BAD_TOKEN: &[&str] = &["L1-107", "L1-108", "L1-109", "L1-111"];
/// The options of get_info, where they belong.
const INFO: &[&str] = &[
    "L1-011", "L1-012", "L1-013", "L1-014", "L1-015", "L1-016", "L1-017", "L1-018", "L1-019",
    "L1-020", "L1-021", "L1-022", "L1-024", "L1-025", "L1-026", "L1-027", "L1-028", "L1-029",
    "L1-030", "L1-031", "L1-032", "L1-033", "L1-034", "L1-035",
];
/// What get_order answers.
const GET_ORDER: &[&str] = &[
    "L0-086", "L1-090", "L1-112", "L1-114", "L1-115", "L1-116", "L1-117", "L1-118", "L1-119",
    "L1-120", "L1-121",
];
/// The payment by BOLT 11.
const BOLT11: &[&str] = &[
    "L1-126", "L1-127", "L1-131", "L1-132", "L1-133", "L1-134", "L1-135", "L1-136", "L1-137",
    "L1-138", "L1-140", "L1-141", "L1-142",
];

/// What every order object has, which an error mistaken for one hasn't.
const ORDER_OBJECT: &[&str] = &[
    "L1-077", "L1-081", "L1-082", "L1-083", "L1-084", "L1-085", "L1-086", "L1-087", "L1-088",
    "L1-089", "L1-091", "L1-092", "L1-094", "L1-095",
];

macro_rules! fault {
    ($name:literal, [$($group:expr),+ $(,)?], $summary:literal, $hook:expr) => {
        Fault { name: $name, summary: $summary, groups: &[$($group),+], hook: $hook }
    };
}

/// All faults, by the section that they are about.
pub(super) const FAULTS: &[&[Fault]] =
    &[FORMAT, ENVELOPE, ERRORS, PARAMS, INFO_RESULTS, ORDER_RESULTS, ORDER_LIFE, REST];

/// bLIP-50, Message Payload Format.
const FORMAT: &[Fault] = &[
    fault!(
        "takes-bad-utf8",
        [&["L0-010", "L0-023"]],
        "Reads payloads that aren't UTF-8",
        On(Switch::TakesBadUtf8)
    ),
    fault!(
        "takes-zero-bytes",
        [&["L0-016", "L0-023"]],
        "Drops zero bytes behind a request instead of refusing it",
        On(Switch::TakesZeroBytes)
    ),
    fault!(
        "takes-trailing-bytes",
        [&["L0-013", "L0-014", "L0-015", "L0-016", "L0-023", "L0-026"]],
        "Reads the first object of a payload and drops the rest",
        On(Switch::TakesTrailingBytes)
    ),
    fault!(
        "takes-any-version",
        [&["L0-018", "L0-023", "L0-024"]],
        "Serves requests without jsonrpc 2.0",
        On(Switch::TakesAnyVersion)
    ),
    fault!(
        "silent-on-bad-format",
        [BAD_FORMAT, &["L0-025"]],
        "Doesn't answer payloads of bad format",
        On(Switch::SilentOnBadFormat)
    ),
    fault!(
        "parse-error-echoes-id",
        [BAD_FORMAT],
        "Answers bad format with the id that could be read",
        On(Switch::ParseErrorEchoesId)
    ),
    fault!(
        "serves-positional-params",
        [&["L0-039"]],
        "Takes by-position params as none",
        On(Switch::ServesPositional)
    ),
    fault!(
        "serves-notifications",
        [&["L0-040"]],
        "Serves requests without id and answers with id null",
        On(Switch::ServesNotifications)
    ),
    fault!(
        "length-in-front",
        [GET_ORDER, &["L0-002", "L0-039", "L0-041", "L0-048", "L0-129"]],
        "Puts two bytes of length in front of get_order's answers",
        Payload(rewrite::length_in_front)
    ),
    fault!(
        "trailing-newline-garbage",
        [GET_ORDER, &["L0-002", "L0-039", "L0-041", "L0-048", "L0-129"]],
        "Ends get_order's answers with a newline and two letters",
        Payload(rewrite::trailing_garbage)
    ),
    fault!(
        "zero-byte-at-end",
        [GET_ORDER, &["L0-002", "L0-039", "L0-041", "L0-048", "L0-129"]],
        "Ends get_order's answers with a zero byte",
        Payload(rewrite::zero_byte_at_end)
    ),
    fault!(
        "needless-escapes",
        [&["L0-132"]],
        "Writes the first digit of every amount as an escape",
        Payload(rewrite::needless_escapes)
    ),
];

/// JSON-RPC 2.0.
const ENVELOPE: &[Fault] = &[
    fault!(
        "jsonrpc-version-number",
        [&["L0-041", "L0-047"]],
        "Answers with jsonrpc as the number 2.0",
        Response(rewrite::version_as_number)
    ),
    fault!(
        "result-and-error",
        [&["L0-041", "L0-050"]],
        "Adds a null error to every result",
        Response(rewrite::error_beside_result)
    ),
    fault!(
        "method-in-response",
        [&["L0-041", "L0-053"]],
        "Adds a method to every answer",
        Response(rewrite::method_in_response)
    ),
    fault!(
        "id-not-echoed",
        [GET_ORDER, &["L0-039", "L0-048", "L0-129"]],
        "Answers get_order with an id of its own",
        Response(rewrite::another_id)
    ),
    fault!("id-cut", [&["L0-048"]], "Cuts ids after 64 characters", Response(rewrite::id_cut)),
    fault!(
        "numeric-id-as-string",
        [&["L0-048", "L0-049"]],
        "Echoes numeric ids as strings",
        Response(rewrite::numeric_id_as_string)
    ),
    fault!(
        "answers-twice",
        [&["L0-048", "L0-052", "L0-083", "L0-129"]],
        "Sends the answer to list_protocols twice",
        On(Switch::AnswersTwice)
    ),
    fault!(
        "matches-methods-loosely",
        [&["L0-054", "L0-130"]],
        "Ignores the case of method names and white space around them",
        On(Switch::MatchesMethodsLoosely)
    ),
    fault!(
        "silent-on-unknown-method",
        [UNKNOWN_METHOD],
        "Doesn't answer unknown methods",
        On(Switch::SilentOnUnknownMethod)
    ),
];

/// bLIP-50, Error Handling.
const ERRORS: &[Fault] = &[
    fault!(
        "error-data-string",
        [
            BAD_PARAM,
            UNKNOWN_PARAM,
            BAD_OPTION,
            NOT_FOUND,
            BAD_TOKEN,
            &["L0-060", "L0-167", "L1-110"]
        ],
        "Sends the data of errors as a string",
        Error(rewrite::data_as_string)
    ),
    fault!(
        "error-code-string",
        [
            BAD_FORMAT,
            UNKNOWN_METHOD,
            BAD_PARAM,
            UNKNOWN_PARAM,
            BAD_OPTION,
            NOT_FOUND,
            BAD_TOKEN,
            &["L0-025", "L0-039", "L0-044", "L0-051", "L0-072", "L0-087", "L0-088"],
        ],
        "Sends error codes as strings",
        Error(rewrite::code_as_string)
    ),
    fault!(
        "error-message-missing",
        [&["L0-025", "L0-051"]],
        "Leaves out the message of errors",
        Error(rewrite::message_missing)
    ),
];

/// Parameters and their errors.
const PARAMS: &[Fault] = &[
    fault!(
        "unrecognized-missing",
        [UNKNOWN_PARAM, &["L0-080", "L1-104"]],
        "Leaves unrecognized out of -32602",
        Error(rewrite::unrecognized_missing)
    ),
    fault!(
        "ignores-unknown-params",
        [UNKNOWN_PARAM],
        "Ignores unknown parameters",
        On(Switch::IgnoresUnknownParams)
    ),
    fault!(
        "takes-any-address",
        [&["L0-159", "L0-160", "L1-068", "L1-103"]],
        "Takes any text as refund address",
        On(Switch::TakesAnyAddress)
    ),
    fault!(
        "takes-numeric-sat",
        [&["L1-041", "L1-042", "L1-103"]],
        "Takes amounts that are numbers",
        On(Switch::TakesNumericSat)
    ),
    fault!(
        "takes-zero-balance",
        [&["L1-043"]],
        "Takes orders with an LSP balance of 0",
        On(Switch::TakesZeroBalance)
    ),
    fault!(
        "wrong-option-code",
        [BAD_OPTION, &["L0-087"]],
        "Answers option mismatches with 1000, as in 2023",
        Error(rewrite::old_option_code)
    ),
    fault!(
        "property-request-field",
        [BAD_OPTION],
        "Names the parameter instead of the option in error 100",
        Error(rewrite::property_is_request_field)
    ),
    fault!(
        "bound-exclusive",
        [&["L1-046"]],
        "Refuses an LSP balance of exactly the maximum",
        On(Switch::ExclusiveMaxLspBalance)
    ),
    fault!(
        "ignores-channel-bounds",
        [&["L1-051", "L1-052", "L1-100"]],
        "Doesn't check the sum of both balances",
        On(Switch::ChecksNoSum)
    ),
    fault!("takes-any-token", [BAD_TOKEN], "Takes any token", On(Switch::TakesAnyToken)),
    fault!(
        "not-found-404",
        [NOT_FOUND, &["L0-087"]],
        "Answers unknown orders with 404, as in 2023",
        Error(rewrite::old_not_found_code)
    ),
    fault!(
        "not-found-data-null",
        [&["L0-060"], NOT_FOUND],
        "Answers unknown orders with data null",
        Error(rewrite::null_data_on_not_found)
    ),
    fault!(
        "orders-disclosed",
        [&["L1-120"]],
        "Shows orders to other nodes",
        On(Switch::DisclosesOrders)
    ),
];

/// list_protocols and get_info.
const INFO_RESULTS: &[Fault] = &[
    fault!(
        "zero-in-protocols",
        [&["L0-110"]],
        "Lists LSPS0 among the protocols",
        Result(&[ListProtocols], rewrite::zero_in_protocols)
    ),
    fault!(
        "no-protocols",
        [&["L0-111", "L1-001", "RD-008"]],
        "Lists no protocols",
        Result(&[ListProtocols], rewrite::no_protocols)
    ),
    fault!(
        "protocols-as-strings",
        [&["L0-109", "L0-111", "L1-001", "RD-008"]],
        "Lists protocols as strings",
        Result(&[ListProtocols], rewrite::protocols_as_strings)
    ),
    fault!(
        "nested-options",
        [INFO, &["RD-003", "RD-004"]],
        "Nests get_info's options, as before mid-2024",
        Result(&[GetInfo], rewrite::nest_options)
    ),
    fault!(
        "max-expiry-string",
        [&["L1-015", "L1-025", "RD-003"]],
        "Sends max_channel_expiry_blocks as a string",
        Result(&[GetInfo], rewrite::max_expiry_as_string)
    ),
    fault!(
        "info-sat-as-number",
        [&["L0-136", "L1-021", "L1-031", "L1-034", "RD-003"]],
        "Sends max_channel_balance_sat as a number",
        Result(&[GetInfo], rewrite::info_sat_as_number)
    ),
    fault!(
        "max-below-min",
        [&["L1-034", "L1-035", "L1-046", "L1-050", "L1-051", "L1-100"]],
        "Names a largest channel that is smaller than the smallest",
        Result(&[GetInfo], rewrite::max_channel_below_min)
    ),
    fault!(
        "min-funding-confirms-zero",
        [&["L1-024", "RD-003"]],
        "Offers funding that confirms within 0 blocks",
        On(Switch::OffersZeroFundingBlocks)
    ),
    fault!(
        "zero-reserve-missing",
        [&["L1-014", "RD-003"]],
        "Leaves supports_zero_channel_reserve out",
        Result(&[GetInfo], rewrite::drop_zero_reserve)
    ),
    fault!(
        "info-moves",
        [&["L1-006", "L1-007", "RD-009"]],
        "Offers another maximum with every other answer",
        Result(&[GetInfo], rewrite::moving_info)
    ),
];

/// The order object.
const ORDER_RESULTS: &[Fault] = &[
    fault!(
        "order-id-too-long",
        [&["L1-079", "L1-080", "RD-016"]],
        "Gives order ids of 72 characters",
        On(Switch::LongOrderIds)
    ),
    fault!(
        "order-id-hex",
        [&["L1-080"]],
        "Gives order ids of 32 hex digits, without dashes",
        On(Switch::HexOrderIds)
    ),
    fault!(
        "confirmations-not-echoed",
        [&["L1-083", "L1-115", "L1-116", "RD-016"]],
        "Leaves required_channel_confirmations out of orders",
        Result(ORDERS, rewrite::confirmations_not_echoed)
    ),
    fault!(
        "expiry-not-echoed",
        [&["L1-085"]],
        "Echoes channel_expiry_blocks one too high",
        Result(ORDERS, rewrite::expiry_not_echoed)
    ),
    fault!(
        "token-not-echoed",
        [&["L1-067", "L1-087", "L1-088", "RD-013", "RD-016"]],
        "Sends a null token in orders",
        Result(ORDERS, rewrite::token_is_null)
    ),
    fault!(
        "created-at-moves",
        [&["L1-090", "L1-112", "L1-116", "RD-020"]],
        "Sends the time of the answer as created_at",
        Result(ORDERS, rewrite::created_at_moves)
    ),
    fault!(
        "order-state-lower-case",
        [&["L1-091", "L1-092", "L1-229", "L1-231", "RD-016"]],
        "Sends order states in lower case",
        Result(ORDERS, rewrite::lower_case_order_state)
    ),
    fault!(
        "channel-key-missing",
        [&["L1-095", "L1-096", "L1-207", "RD-016"]],
        "Leaves a null channel out of orders",
        Result(ORDERS, rewrite::channel_key_missing)
    ),
    fault!(
        "unused-options-null",
        [&["L1-124", "RD-016"]],
        "Sends payment options that it doesn't offer as null",
        Result(ORDERS, rewrite::unused_options_null)
    ),
    fault!(
        "payment-flat",
        [BOLT11, &["L0-136", "L0-161", "L1-125", "RD-016"]],
        "Sends the payment without an object per option, as before mid-2024",
        Result(ORDERS, rewrite::flat_payment)
    ),
    fault!(
        "invoice-under-old-name",
        [&["L1-135", "L1-136", "L1-137", "L1-138", "L1-140", "L1-141", "L1-142", "RD-016"]],
        "Sends the invoice as bolt11_invoice",
        Result(ORDERS, rewrite::invoice_under_old_name)
    ),
    fault!(
        "invoice-checksum",
        [&["L1-136", "L1-137", "L1-138", "L1-141", "L1-142"]],
        "Sends invoices with a wrong checksum",
        Result(ORDERS, rewrite::invoice_checksum)
    ),
    fault!(
        "invoice-wrong-amount",
        [&["L1-137"]],
        "Makes invoices for 1 sat more than the total",
        On(Switch::InvoiceOffByOne)
    ),
    fault!(
        "order-total-off-by-one",
        [&["L1-134"]],
        "Asks for 1 sat more than fee and client balance",
        On(Switch::TotalOffByOne)
    ),
    fault!(
        "sat-as-number",
        [&["L0-136", "L1-132", "L1-134", "RD-016"]],
        "Sends fee_total_sat as a number",
        Result(ORDERS, rewrite::fee_as_number)
    ),
    fault!(
        "sat-leading-zero",
        [&["L0-136", "L0-137", "L1-132", "RD-016"]],
        "Sends fee_total_sat with a leading zero",
        Result(ORDERS, rewrite::leading_zero_in_fee)
    ),
    fault!(
        "datetime-no-millis",
        [&["L0-161", "L1-089", "L1-131", "L1-209", "L1-211", "RD-016"]],
        "Sends times without milliseconds",
        Result(ORDERS, rewrite::datetimes_without_millis)
    ),
    fault!(
        "get-order-other-object",
        [&["L1-112", "L1-116", "L1-121", "RD-019"]],
        "Answers get_order with another order_id",
        Result(&[GetOrder], rewrite::another_order)
    ),
    fault!(
        "forgets-unpaid-orders",
        [&["L1-090", "L1-112", "L1-115", "L1-116", "L1-121", "RD-001", "RD-019", "RD-020"]],
        "Knows nothing of an order until it is paid",
        On(Switch::ForgetsUnpaidOrders)
    ),
];

/// What happens after the order.
const ORDER_LIFE: &[Fault] = &[
    fault!(
        "skip-hold",
        [&["L1-139", "L1-146"]],
        "Never shows a held payment as HOLD",
        Result(ORDERS, rewrite::hold_is_hidden)
    ),
    fault!(
        "claims-before-open",
        [&["L1-139", "L1-146", "L1-147", "L1-149", "L1-150", "L1-151", "L1-232", "L1-238"]],
        "Claims payments when they arrive",
        On(Switch::ClaimsBeforeOpen)
    ),
    fault!(
        "keeps-payment-of-failed-order",
        [&["L1-128", "L1-145", "L1-149", "L1-150", "L1-232", "L1-238"]],
        "Keeps the payment of a failed order on hold",
        On(Switch::KeepsPaymentOfFailedOrder)
    ),
    fault!(
        "cancelled-for-refunded",
        [&["L1-126", "L1-128", "L1-150"]],
        "Says CANCELLED for REFUNDED, as before mid-2024",
        Result(ORDERS, rewrite::cancelled_for_refunded)
    ),
    fault!(
        "open-one-sat-short",
        [&["L1-220", "L1-224"]],
        "Opens channels that are 1 sat smaller than ordered",
        On(Switch::OpensOneSatShort)
    ),
    fault!(
        "push-one-sat-short",
        [&["L1-222"]],
        "Pushes 1 sat less than ordered",
        On(Switch::PushesOneSatShort)
    ),
    fault!(
        "opens-announced",
        [&["L1-219"]],
        "Announces private channels and hides public ones",
        On(Switch::FlipsAnnounce)
    ),
    fault!(
        "channel-stays-null",
        [&[
            "L0-163", "L0-164", "L0-165", "L1-095", "L1-148", "L1-208", "L1-209", "L1-210",
            "L1-211", "L1-212", "L1-230", "L1-236"
        ]],
        "Never shows the channel",
        Result(ORDERS, rewrite::channel_stays_null)
    ),
    fault!(
        "lease-ends-at-once",
        [&["L1-212"]],
        "Lets channels expire when they are funded",
        Result(ORDERS, rewrite::lease_ends_at_once)
    ),
    fault!(
        "outpoint-with-dash",
        [&["L0-164", "L0-165", "L1-210"]],
        "Writes outpoints with a dash",
        Result(ORDERS, rewrite::outpoint_with_dash)
    ),
    fault!(
        "txid-reversed",
        [&["L0-163", "L1-093", "L1-210"]],
        "Writes transaction ids in the order of their bytes",
        Result(ORDERS, rewrite::txid_reversed)
    ),
];

/// The REST dialect.
const REST: &[Fault] = &[
    fault!(
        "rest-errors-with-200",
        [
            BAD_PARAM,
            UNKNOWN_PARAM,
            BAD_OPTION,
            NOT_FOUND,
            BAD_TOKEN,
            ORDER_OBJECT,
            &["L1-004", "RD-015", "RD-021"]
        ],
        "Answers REST errors with status 200 and code and message at the top",
        On(Switch::RestErrorsAreOk)
    ),
    fault!(
        "rest-content-type-html",
        [&["RD-002"]],
        "Serves JSON as text/html",
        On(Switch::RestServesHtml)
    ),
    fault!(
        "rest-no-uris",
        [&["L0-149", "L0-153", "RD-007", "RD-008"]],
        "Leaves uris out of get_info",
        On(Switch::RestOmitsUris)
    ),
];
