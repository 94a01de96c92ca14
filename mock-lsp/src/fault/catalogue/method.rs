//! lsps0.list_protocols, and what all methods have in common.

use super::super::params;
use super::Edit::{Do, Remove, Set};
use super::{
    CreateOrder, Faces, Fault, GetInfo, GetOrder, Hook, ListProtocols, Needs, Switch, faults,
};

pub(super) const FAULTS: &[Fault] = faults! { Messages;
    "no-list-protocols", "L0-004 L0-012 L0-017 L0-026 L0-044 L0-055 L0-063 L0-083 L0-106 L0-107 L0-108 L0-109 L0-110 \
     L0-112 L0-113 L0-129 L0-133",
    "Doesn't know list_protocols", Hook::Refuses(Faces::P2p, &[ListProtocols], params::refuse_unknown_method);
    "tires-of-list-protocols", "L0-113",
    "Refuses a client's fifteenth list_protocols in a row", Hook::Switch(Switch::TiresOfListProtocols);
    "list-protocols-wants-params-later", "L0-012 L0-106 L0-107 L0-113 L0-133",
    "Refuses list_protocols without params once the client has ordered", Hook::Switch(Switch::WantsProtocolsParamsLater);
    "zero-in-protocols", "L0-110",
    "Lists LSPS0 among the protocols", Hook::Result(&[ListProtocols], &[Set("protocols", "[0, 1]")]);
    "no-protocols", "L0-111 L1-001 RD-008",
    "Lists no protocols", Hook::Result(&[ListProtocols], &[Set("protocols", "[]")]);
    "protocols-missing", "L0-055 L0-108 RD-008",
    "Answers list_protocols with an empty object", Hook::Result(&[ListProtocols], &[Remove("protocols")]);
    "protocols-as-strings", "L0-109 L0-111 L1-001 RD-008",
    "Lists protocols as strings", Hook::Result(&[ListProtocols], &[Set("protocols", "[\"LSPS1\"]")]);
    "protocols-twice", "L0-112",
    "Lists LSPS1 twice", Hook::Result(&[ListProtocols], &[Set("protocols", "[1, 1]")]);
    "ignores-unknown-params", "L0-083 L0-084 L0-085 L0-086 L0-115 L0-129",
    "Ignores unknown parameters", Hook::Switch(Switch::IgnoresUnknownParams);
    "list-protocols-takes-params", "L0-083 L0-129",
    "Ignores the params of list_protocols", Hook::Params(Faces::P2p, &[ListProtocols], &[Do(params::clear)]);
    "get-info-takes-params", "L0-084 L0-129",
    "Ignores the params of get_info", Hook::Params(Faces::P2p, &[GetInfo], &[Do(params::clear)]);
    "create-order-takes-params", "L0-085 L0-115 L0-129",
    "Ignores unknown params of create_order", Hook::Params(Faces::P2p, &[CreateOrder], &[Do(params::only_order_params), Remove("public_key")]);
    "get-order-takes-params", "L0-086 L0-129",
    "Ignores unknown params of get_order", Hook::Params(Faces::P2p, &[GetOrder], &[Do(params::only_order_id)]);
};
