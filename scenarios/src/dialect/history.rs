//! What changed between the dialects and bLIP-51, and which of its rows say nothing about an older text.

use super::Dialect::{self, D0, D1, D2, D3, RestSeed};

/// A change of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// When, as year and month, for telling which dialects came before it.
    pub when: &'static str,
    /// What.
    pub what: &'static str,
    /// The dialects that lack it.
    lacking: &'static [Dialect],
}

/// In the order in which they came.
const CHANGES: &[Change] = &[
    Change {
        when: "2023-12",
        what: "lsps1.info became lsps1.get_info; supported_versions and api_version went; unknown parameters are refused and named",
        lacking: &[D0],
    },
    Change { when: "2024-02", what: "announceChannel became announce_channel", lacking: &[D0] },
    Change {
        when: "2024-03",
        what: "confirms_within_blocks became funding_confirms_within_blocks, min_channel_confirmations became min_required_channel_confirmations; required_channel_confirmations and min_funding_confirms_within_blocks are new; website went",
        lacking: &[D0],
    },
    Change {
        when: "2024-03",
        what: "error codes 1000, 1001 and 404 became 100, 1 and 101",
        lacking: &[D0],
    },
    Change {
        when: "2024-05",
        what: "numbers of blocks and confirmations got 16 bits",
        lacking: &[D0],
    },
    Change {
        when: "2024-06",
        what: "get_info lost its `options` wrapper and min_onchain_payment_confirmations and min_onchain_payment_size_sat",
        lacking: &[D0, D1],
    },
    Change {
        when: "2024-06",
        what: "state, expiry and amounts moved from `payment` and the order into payment.bolt11 and payment.onchain; lightning_invoice or bolt11_invoice became bolt11.invoice, onchain_address became onchain.address",
        lacking: &[D0, D1],
    },
    Change {
        when: "2024-09",
        what: "without a refund address the on-chain option is left out; a refund is called REFUNDED",
        lacking: &[D0, D1],
    },
    Change {
        when: "2024-06",
        what: "get_info no longer has min_onchain_payment_confirmations and min_onchain_payment_size_sat; an order repeats required_channel_confirmations",
        lacking: &[RestSeed],
    },
    Change {
        when: "2025-12",
        what: "a token that isn't accepted is refused with error 102",
        lacking: &[D0, D1, D2, RestSeed],
    },
    Change {
        when: "2026-01",
        what: "payment.bolt12 may be offered",
        lacking: &[D0, D1, D2, RestSeed],
    },
];

/// Why a row of today's text can't be held against an older one, whatever the names of things.
struct Excuse {
    rows: &'static [&'static str],
    why: &'static str,
    of: &'static [Dialect],
    /// Only for the earliest texts of the dialect.
    early: bool,
}

const EXCUSES: &[Excuse] = &[
    Excuse {
        rows: &["L1-054", "L1-055", "L1-083"],
        why: "there was no required_channel_confirmations yet",
        of: &[D0],
        early: false,
    },
    Excuse {
        rows: &["L1-058"],
        why: "there was no min_funding_confirms_within_blocks yet",
        of: &[D0],
        early: false,
    },
    Excuse {
        rows: &["L1-056", "L1-059"],
        why: "these numbers had 8 bits",
        of: &[D0, D1],
        early: false,
    },
    Excuse {
        rows: &["L0-115", "L0-130"],
        why: "the names and versions of then are known to the target",
        of: &[D0],
        early: true,
    },
    Excuse {
        rows: &[
            "L0-079", "L0-080", "L0-081", "L0-082", "L0-083", "L0-084", "L0-085", "L0-086",
            "L0-129",
        ],
        why: "unknown parameters were not refused yet",
        of: &[D0],
        early: true,
    },
    Excuse {
        rows: &["L1-070", "L1-172"],
        why: "on-chain payment was offered without a refund address, too",
        of: &[D0, D1],
        early: false,
    },
    Excuse {
        rows: &["L1-107", "L1-108", "L1-109"],
        why: "error 102 didn't exist yet",
        of: &[D0, D1, D2, RestSeed],
        early: false,
    },
    Excuse {
        rows: &["L1-080"],
        why: "the page's order ids have 32 hexadecimal digits",
        of: &[RestSeed],
        early: false,
    },
    Excuse {
        rows: &["L1-083"],
        why: "the page's orders don't repeat required_channel_confirmations",
        of: &[RestSeed],
        early: false,
    },
    Excuse {
        rows: &["L1-090", "RD-020"],
        why: "the page's created_at is the time of the answer",
        of: &[RestSeed],
        early: false,
    },
    Excuse {
        rows: &["RD-016"],
        why: "the page's own orders lack required_channel_confirmations",
        of: &[RestSeed],
        early: false,
    },
];

impl Dialect {
    /// What changed since, oldest first.
    pub fn changes(self) -> impl Iterator<Item = &'static Change> {
        CHANGES.iter().filter(move |change| change.lacking.contains(&self))
    }

    /// The clients that are known not to cope with it; empty if none is known.
    pub fn unfit_for(self) -> &'static [&'static str] {
        match self {
            D0 | D1 => &[
                "Alby Hub",
                "ldk-node and lightning-liquidity",
                "BTCPay Server LSPS1",
                "LQWD for BTCPay Server",
                "Lightning.Pub",
            ],
            D2 | RestSeed | D3 => &[],
        }
    }
}

/// Why a row says nothing about a target of this dialect; `early` is whether it speaks the earliest text of it.
pub fn excused(dialect: Dialect, early: bool, requirement: &str) -> Option<&'static str> {
    EXCUSES
        .iter()
        .find(|excuse| {
            excuse.of.contains(&dialect)
                && (early || !excuse.early)
                && excuse.rows.contains(&requirement)
        })
        .map(|excuse| excuse.why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::requirement::Catalogue;

    #[test]
    fn excuses_name_rows_that_there_are() {
        for row in EXCUSES.iter().flat_map(|excuse| excuse.rows) {
            assert!(Catalogue::builtin().get(&(*row).into()).is_some(), "{row}");
        }
    }

    #[test]
    fn nothing_is_excused_today() {
        assert_eq!(D3.changes().count(), 0);
        for row in Catalogue::builtin().iter() {
            assert_eq!(excused(D3, true, row.id.as_str()), None);
        }
        for dialect in [D0, D1, D2, RestSeed] {
            assert!(dialect.changes().count() >= 2, "{dialect}");
            assert!(excused(dialect, false, "L1-107").is_some(), "{dialect}");
        }
        assert_eq!(excused(D0, false, "L0-130"), None);
        assert!(excused(D0, true, "L0-130").is_some());
    }
}
