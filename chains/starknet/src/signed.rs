//! Whether an account signed a digest: by its code alone. Source: SNIP-6.
//!
//! An account's word needs its code to be run, which an endpoint does: enough of them must say the
//! same about the same final block. An account that is not deployed there has not signed: Starknet
//! has no standard by which a signature carries the deployment of its account, as ERC-6492 does for
//! Ethereum.

use chain::{ChainError, Quorum, Shown};
use governance::log::Answer;
use types::Hash;

use crate::{
    adapter::Starknet,
    block::Block,
    endpoint::Node,
    felt::{Felt, canonical, selector},
    rpc::{At, Ran},
    wallet::{
        account::{Said, is_valid_signature_calldata, is_valid_signature_selector, said},
        felts_of,
    },
};

/// STRK, in which fees are paid, on all of Starknet's chains.
const STRK: Felt =
    Felt::from_hex_unchecked("0x04718f5a0fc34cc1af16a1cdee98ffb20c31f5cd61d6ab07201858f4287c938d");

impl Starknet {
    /// Whether the account at `address` says in the block of `header` that it signed `digest`, and
    /// how that is known.
    pub(crate) async fn signed_under(
        &self,
        header: &Block,
        address: Felt,
        digest: &Hash,
        signature: &[u8],
    ) -> Result<(Answer, Shown), ChainError> {
        let signature = felts_of(signature).ok();
        let Some((digest, signature)) = canonical(digest.as_bytes()).zip(signature) else {
            return Ok((Answer::Invalid, Shown::Proved));
        };
        let calldata = is_valid_signature_calldata(&digest, &signature);
        let (calldata, at) = (&calldata, At::Hash(header.hash));
        let asked = self.quorum.agree("starknet_call", |node| {
            Box::pin(async move {
                let selector = is_valid_signature_selector();
                Ok(judged(&node.rpc.call(address, selector, calldata, at).await?))
            })
        });
        let (answer, agreeing) = asked.await?;
        let of = self.quorum.endpoints().len();
        Ok((answer, Shown::Told { agreeing, of }))
    }
}

/// What `address` has in the block of `header`, in fri.
pub(crate) async fn balance_of(
    quorum: &Quorum<Node>,
    address: Felt,
    header: &Block,
) -> Result<u128, ChainError> {
    let at = At::Hash(header.hash);
    let asked = quorum.agree("a balance", |node| {
        Box::pin(async move {
            let calldata = [address];
            let strange = || node.rpc.nonsense("starknet_call", "not a balance of STRK");
            match node.rpc.call(STRK, selector("balanceOf"), &calldata, at).await? {
                Ran::Well(answer) => balance(&answer).ok_or_else(strange),
                Ran::Nothing | Ran::Reverted(_) => Err(strange()),
            }
        })
    });
    Ok(asked.await?.0)
}

/// What the outcome of the call says. A revert is how many accounts say no.
fn judged(ran: &Ran<Vec<Felt>>) -> Answer {
    match ran {
        Ran::Well(answer) => match said(answer) {
            Said::Valid => Answer::Valid,
            Said::One | Said::No => Answer::Invalid,
        },
        Ran::Reverted(_) | Ran::Nothing => Answer::Invalid,
    }
}

/// A `u256`, low half first; more than there can be of any coin counts as the most that there can.
fn balance(answer: &[Felt]) -> Option<u128> {
    let [low, high] = answer else { return None };
    let (low, high) = (u128::try_from(*low).ok()?, u128::try_from(*high).ok()?);
    Some(if high == 0 { low } else { u128::MAX })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn only_the_one_word_is_a_signature() {
        let valid = Felt::from_hex_unchecked("0x56414c4944");
        assert_eq!(judged(&Ran::Well(vec![valid])), Answer::Valid);
        for ran in [
            Ran::Well(vec![]),
            Ran::Well(vec![Felt::ONE]),
            Ran::Well(vec![valid, valid]),
            Ran::Reverted(Value::Null),
            Ran::Nothing,
        ] {
            assert_eq!(judged(&ran), Answer::Invalid, "{ran:?}");
        }
    }

    #[test]
    fn a_balance_has_two_halves() {
        let felt = Felt::from;
        assert_eq!(balance(&[felt(7_u8), Felt::ZERO]), Some(7));
        assert_eq!(balance(&[felt(7_u8), Felt::ONE]), Some(u128::MAX));
        assert_eq!(balance(&[felt(7_u8)]), None);
        assert_eq!(balance(&[Felt::MAX, Felt::ZERO]), None);
    }
}
