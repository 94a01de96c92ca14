//! What is known of a target and its client before a conversation.

use std::time::Duration;

use jiff::Timestamp;

use crate::action::Transport;
use crate::verdict::Profile;

/// What a session has to know beside its scenario.
#[derive(Clone, Debug)]
pub struct SessionContext {
    /// Over which interface the target is spoken to.
    pub transport: Transport,
    /// How strictly it is judged.
    pub profile: Profile,
    /// Name of the target's network (`mainnet`, `testnet`, `signet`, `regtest`), if it is known.
    pub network: Option<String>,
    /// Node id of the client, 66 hexadecimal digits; REST sends it as `public_key`.
    pub public_key: String,
    /// Id of the target's node, if it is known: 66 hexadecimal digits in lower case.
    pub target_node: Option<String>,
    /// A good token, if the target's operator gave one.
    pub token: Option<String>,
    /// Whether the target takes any text as a token, so that none is a bad one.
    pub any_token: bool,
    /// A token that was good once and isn't any more, if the target's operator gave one.
    pub spent_token: Option<String>,
    /// Whether the target's operator says that on-chain payment is switched off.
    pub onchain_off: bool,
    /// An own P2WPKH address on the target's network, if the network is known.
    pub refund_address: Option<String>,
    /// Seed of request ids and other drawn values.
    pub seed: u64,
    /// Wall-clock time at the start of the session.
    pub now: Timestamp,
    /// The longest wait for a payment, a channel or a state, where a scenario would wait longer.
    pub patience: Option<Duration>,
}
