//! Whether an account signed a digest, in one block. Sources: NEP-413, NEP-518, NEP-641.
//!
//! What keys and code an account has is not proved: enough endpoints must say the same about the
//! same block.

use chain::{ChainError, Shown};
use governance::log::Answer;
use types::{ChainId, Hash};

use crate::{
    adapter::Near,
    endpoint::Node,
    proof::FullBlock,
    rpc::AccountAt,
    wallet::{Evidence, IdKind, NearId, NoAccess, PublicKey, eth_key},
    wire::CryptoHash,
};

/// SHA-256 of the wallet contracts that ETH-implicit accounts share, by network: the present one
/// and the one before. Source: nearcore, `eth_wallet_global_contract_hash`.
const SHARED_WALLETS: [(&str, [&str; 2]); 2] = [
    (
        "near:mainnet",
        [
            "2zodJZK2e4nnv5AqwCRnenNSmkikXhEd7PPY6BmfTmW4",
            "5LM8a65dWxesxZeWq3HjCcjLkNTwHjTUPp8R117wZJDw",
        ],
    ),
    (
        "near:testnet",
        [
            "3PpYvRxBfC5BkZxTw8ZFG3D52w1ZRhvDDWirKoxphMDn",
            "H7BByXFswWtJzpoatHsnTKiUAomKubBTFi8tq9vzULX7",
        ],
    ),
];
/// The same for all other networks.
const SHARED_WALLET_ELSEWHERE: &str = "FAq9tQRbwJPTV3PQLn2F7AUD3FW2Fw1V8ZeZuazfeu1v";
/// What stands as code in accounts of before contracts were shared, by network: SHA-256 of `near`
/// and the contract's hash. Source: nearcore, `wallet_contract_magic_bytes`.
const WALLET_STUBS: [(&str, [&str; 2]); 2] = [
    (
        "near:mainnet",
        [
            "77CJrGB4MNcG2fJXr87m3HCZngUMxZQYwhqGqcHSd7BB",
            "77CJrGB4MNcG2fJXr87m3HCZngUMxZQYwhqGqcHSd7BB",
        ],
    ),
    (
        "near:testnet",
        [
            "DBV2KeAR8iaEy6aGpmvAm5HAh1WiZRQ6Tsira4UM83S9",
            "4reLvkAWfqk5fsqio1KLudk46cqRz9erQdaHkWZKMJDZ",
        ],
    ),
];
/// The same for all other networks.
const WALLET_STUB_ELSEWHERE: &str = "5Ch7WN9GVGHY6rneCsHDHwiC6RPSXjRkXo3sA3c6TT1B";

impl Near {
    /// Whether `account` signed `digest` as of `block`, and how that is known.
    pub(crate) async fn signed_in(
        &self,
        block: &FullBlock,
        account: &NearId,
        digest: &Hash,
        evidence: &[u8],
    ) -> Result<(Answer, Shown), ChainError> {
        let Ok(evidence) = Evidence::decode(evidence) else {
            return Ok((Answer::Invalid, Shown::Proved));
        };
        match evidence {
            Evidence::Key(key, signature) => {
                let hash = CryptoHash::from_bytes(*digest.as_bytes());
                if key.verify(&hash, &signature).is_err() {
                    return Ok((Answer::Invalid, Shown::Proved));
                }
                self.told("an access key", |node| Box::pin(has_key(node, account, key, block)))
                    .await
            }
            Evidence::EthereumKey(signature) => {
                let is_eth = account.kind() == IdKind::EthImplicit;
                let signer = eth_key::recover_over(digest, &signature);
                if !is_eth || signer.as_ref() != Ok(account) {
                    return Ok((Answer::Invalid, Shown::Proved));
                }
                let chain = self.locator.chain();
                let ask = |node| -> chain::Asked<'_, Answer> {
                    Box::pin(has_wallet(node, account, chain, block))
                };
                self.told("an account", ask).await
            }
            Evidence::Authorization(text) => {
                let chain = self.locator.chain().reference();
                let ask = |node| -> chain::Asked<'_, Answer> {
                    Box::pin(crate::resolve::authorizes(node, chain, account, digest, &text, block))
                };
                self.told("an authorization", ask).await
            }
        }
    }

    async fn told<'a>(
        &'a self,
        method: &'static str,
        ask: impl Fn(&'a Node) -> chain::Asked<'a, Answer>,
    ) -> Result<(Answer, Shown), ChainError> {
        let (answer, agreeing) = self.quorum.agree(method, ask).await?;
        Ok((answer, Shown::Told { agreeing, of: self.quorum.endpoints().len() }))
    }
}

/// Whether `key` is a full-access key of `account`.
async fn has_key(
    node: &Node,
    account: &NearId,
    key: PublicKey,
    block: &FullBlock,
) -> Result<Answer, ChainError> {
    Ok(match node.rpc.access_key(account, &key, &block.hash).await? {
        Some(Ok(_)) => Answer::Valid,
        Some(Err(NoAccess::Limited | NoAccess::NoKey | NoAccess::NoAccount)) => Answer::Invalid,
        // Endpoints forget blocks; that says nothing about the account.
        Some(Err(_)) | None => Answer::Unknown,
    })
}

/// Whether the Ethereum key in its name still governs `account`.
async fn has_wallet(
    node: &Node,
    account: &NearId,
    chain: &ChainId,
    block: &FullBlock,
) -> Result<Answer, ChainError> {
    Ok(match node.rpc.account(account, &block.hash).await? {
        None => Answer::Unknown,
        // Whoever pays it first brings the wallet contract about.
        Some(None) => Answer::Valid,
        Some(Some(account)) if obeys(&account, chain) => Answer::Valid,
        Some(Some(_)) => Answer::Invalid,
    })
}

/// Whether an ETH-implicit account's code is the wallet contract.
fn obeys(account: &AccountAt, chain: &ChainId) -> bool {
    let of_chain = |known: &'static [(&str, [&str; 2]); 2], elsewhere: &'static str| {
        let own = known.iter().find(|(name, _)| *name == chain.as_str());
        own.map_or(vec![elsewhere], |(_, hashes)| hashes.to_vec())
    };
    let is_one_of = |hash: &CryptoHash, texts: Vec<&str>| texts.contains(&&*hash.to_string());
    if account.follows_account {
        return false;
    }
    match &account.shared_code {
        Some(hash) => is_one_of(hash, of_chain(&SHARED_WALLETS, SHARED_WALLET_ELSEWHERE)),
        None => is_one_of(&account.code_hash, of_chain(&WALLET_STUBS, WALLET_STUB_ELSEWHERE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(code: &str, shared: Option<&str>) -> AccountAt {
        let hash = |text: &str| text.parse().expect("a hash");
        let shared_code = shared.map(hash);
        AccountAt { code_hash: hash(code), shared_code, follows_account: false, amount: 0 }
    }

    #[test]
    fn only_the_networks_own_wallet_contract_obeys_the_key() {
        let none = "11111111111111111111111111111111";
        let (mainnet, testnet) = (SHARED_WALLETS[0].1, SHARED_WALLETS[1].1);
        let check = |story: &str, account: &AccountAt, chain: &str, expected: bool| {
            let chain: ChainId = chain.parse().expect("legal");
            assert_eq!(obeys(account, &chain), expected, "{story}");
        };
        for hash in mainnet {
            check("shared", &account(none, Some(hash)), "near:mainnet", true);
            check("of another network", &account(none, Some(hash)), "near:testnet", false);
        }
        check("shared", &account(none, Some(testnet[1])), "near:testnet", true);
        check("a stub", &account(WALLET_STUBS[0].1[0], None), "near:mainnet", true);
        check("an old stub", &account(WALLET_STUBS[1].1[1], None), "near:testnet", true);
        check(
            "another contract",
            &account(&CryptoHash::of(b"x").to_string(), None),
            "near:mainnet",
            false,
        );
        check("no contract", &account(none, None), "near:mainnet", false);
        check("elsewhere", &account(none, Some(SHARED_WALLET_ELSEWHERE)), "near:localnet", true);
        let mut follows = account(none, Some(mainnet[0]));
        follows.follows_account = true;
        check("what another account may replace", &follows, "near:mainnet", false);
    }
}
