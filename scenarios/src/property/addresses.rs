//! Refund addresses of each network, good ones and bad ones. Nobody has their keys.

/// The addresses of one network.
pub(super) struct Addresses {
    /// P2WPKH, P2WSH, P2TR, and P2WPKH in upper case.
    pub(super) good: [&'static str; 4],
    /// Witness version 2, which nobody has to take.
    pub(super) later_version: &'static str,
    /// P2PKH, P2SH, version 0 with the checksum of bech32m, version 1 with that of bech32, a wrong checksum, mixed case,
    /// version 0 with 21 bytes.
    pub(super) bad: [&'static str; 7],
    /// A good one of another network.
    pub(super) foreign: &'static str,
}

/// The addresses of the network whose addresses begin with `prefix`.
pub(super) fn of(prefix: &str) -> &'static Addresses {
    match prefix {
        "bcrt" => &REGTEST,
        "tb" => &TESTNET,
        _ => &MAINNET,
    }
}

const MAINNET: Addresses = Addresses {
    good: [
        "bc1qwzg843xj6ca63wlygn90zlckx9mjz5war4jkqk",
        "bc1qm22ckuf03gr52k4rkvda87klqsg8sm0mhnlawej7zyy5p097ty8s9eul27",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        "BC1QWZG843XJ6CA63WLYGN90ZLCKX9MJZ5WAR4JKQK",
    ],
    later_version: "bc1zqqqsyqcyq5rqwzqfpg9scrgwpugpzysnk9ct2q",
    bad: [
        "1BGBm6sXZtXHHfreV5VVEgpEyrn3r2CZhL",
        "3BxCgeMy7nqfNqZ5cBA5fKBB8P4mPRxViT",
        "bc1qwzg843xj6ca63wlygn90zlckx9mjz5wakfz695",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
        "bc1qwzg843xj6ca63wlygn90zlckx9mjz5war4jkqq",
        "bc1QWZG843XJ6CA63WLYGN90ZLCKX9MJZ5WAR4JKQK",
        "bc1qwzg843xj6ca63wlygn90zlckx9mjz5waquq6pf7y",
    ],
    foreign: "tb1qwzg843xj6ca63wlygn90zlckx9mjz5wafnf9m9",
};

const TESTNET: Addresses = Addresses {
    good: [
        "tb1qwzg843xj6ca63wlygn90zlckx9mjz5wafnf9m9",
        "tb1qm22ckuf03gr52k4rkvda87klqsg8sm0mhnlawej7zyy5p097ty8sj32ss3",
        "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47zagq",
        "TB1QWZG843XJ6CA63WLYGN90ZLCKX9MJZ5WAFNF9M9",
    ],
    later_version: "tb1zqqqsyqcyq5rqwzqfpg9scrgwpugpzysnurrc3n",
    bad: [
        "mqn949xWNuxY4nLGCeTs4c2ZqrNkpcBfgL",
        "2N3WQkPHzjFM1adBdHJmxHGASLjGwBqFu3z",
        "tb1qwzg843xj6ca63wlygn90zlckx9mjz5wau0ef78",
        "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqqzj3dz",
        "tb1qwzg843xj6ca63wlygn90zlckx9mjz5wafnf9mq",
        "tb1QWZG843XJ6CA63WLYGN90ZLCKX9MJZ5WAFNF9M9",
        "tb1qwzg843xj6ca63wlygn90zlckx9mjz5waqu6tyd7x",
    ],
    foreign: "bc1qwzg843xj6ca63wlygn90zlckx9mjz5war4jkqk",
};

const REGTEST: Addresses = Addresses {
    good: [
        "bcrt1qwzg843xj6ca63wlygn90zlckx9mjz5wat6sgvv",
        "bcrt1qm22ckuf03gr52k4rkvda87klqsg8sm0mhnlawej7zyy5p097ty8slgqk9t",
        "bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6",
        "BCRT1QWZG843XJ6CA63WLYGN90ZLCKX9MJZ5WAT6SGVV",
    ],
    later_version: "bcrt1zqqqsyqcyq5rqwzqfpg9scrgwpugpzysn7264x6",
    bad: [
        "mqn949xWNuxY4nLGCeTs4c2ZqrNkpcBfgL",
        "2N3WQkPHzjFM1adBdHJmxHGASLjGwBqFu3z",
        "bcrt1qwzg843xj6ca63wlygn90zlckx9mjz5wa7xqyfw",
        "bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqdmchcc",
        "bcrt1qwzg843xj6ca63wlygn90zlckx9mjz5wat6sgvq",
        "bcrt1QWZG843XJ6CA63WLYGN90ZLCKX9MJZ5WAT6SGVV",
        "bcrt1qwzg843xj6ca63wlygn90zlckx9mjz5waqu7haqt9",
    ],
    foreign: "bc1qwzg843xj6ca63wlygn90zlckx9mjz5war4jkqk",
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::address;

    #[test]
    fn addresses_are_what_they_are_called() {
        for prefix in ["bc", "tb", "bcrt"] {
            let addresses = of(prefix);
            for good in addresses.good {
                assert!(address::read(good).unwrap().is_common_kind(), "{good}");
                assert!(good.to_ascii_lowercase().starts_with(&format!("{prefix}1")), "{good}");
            }
            assert!(!address::read(addresses.later_version).unwrap().is_common_kind());
            for bad in addresses.bad {
                assert!(address::read(bad).is_err(), "{bad}");
            }
            let foreign = addresses.foreign;
            assert!(address::read(foreign).is_ok() && !foreign.starts_with(&format!("{prefix}1")));
        }
    }
}
