//! Asks contracts what they take for an authorization, down to the accounts that they point to.
//! Source: NEP-641, "Caller-side resolution algorithm".

use std::collections::VecDeque;

use chain::ChainError;
use governance::log::Answer;
use serde::Deserialize;
use serde_json::json;
use types::Hash;

use crate::{
    endpoint::Node,
    proof::FullBlock,
    rpc::View,
    wallet::{
        NearId, NoAccess,
        nep641::{Asked, ByKey, PATH_MAX, by_key},
    },
    wire::CryptoHash,
};

/// Accounts that one authorization may lead to: each is a question.
const ACCOUNTS_MAX: usize = 16;
/// Longest answer of a contract that is read.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// What a contract answers.
#[derive(Deserialize)]
struct Resolution {
    payload: String,
    #[serde(default)]
    pending: Vec<Pending>,
}

#[derive(Deserialize)]
struct Pending {
    account_id: String,
    authorization: String,
    expect: String,
}

/// One account that must authorize something.
struct Turn {
    account: NearId,
    path: Vec<NearId>,
    authorization: String,
    expect: Option<String>,
}

/// What came of one account's turn.
enum Said {
    Resolved(Resolution),
    /// It does not authorize it.
    Refused,
    /// The endpoint no longer has the block.
    Unknown,
}

/// Whether `account` authorizes, by `text`, the payload whose SHA-256 is `digest`, as of `block`.
pub(crate) async fn authorizes(
    node: &Node,
    chain: &str,
    account: &NearId,
    digest: &Hash,
    text: &str,
    block: &FullBlock,
) -> Result<Answer, ChainError> {
    let (account, authorization) = (account.clone(), text.to_owned());
    let mut turns = VecDeque::new();
    turns.push_back(Turn { account, path: Vec::new(), authorization, expect: None });
    let mut count = 1_usize;
    // Ends: no more than ACCOUNTS_MAX turns are ever added.
    while let Some(turn) = turns.pop_front() {
        let resolution = match resolve(node, chain, &turn, block).await? {
            Said::Resolved(resolution) => resolution,
            Said::Refused => return Ok(Answer::Invalid),
            Said::Unknown => return Ok(Answer::Unknown),
        };
        let is_expected = match &turn.expect {
            Some(expect) => resolution.payload == *expect,
            None => CryptoHash::of(resolution.payload.as_bytes()).as_bytes() == digest.as_bytes(),
        };
        count = count.saturating_add(resolution.pending.len());
        let is_deep = !resolution.pending.is_empty() && turn.path.len() >= PATH_MAX;
        if !is_expected || is_deep || count > ACCOUNTS_MAX {
            return Ok(Answer::Invalid);
        }
        let mut path = vec![turn.account];
        path.extend(turn.path);
        for Pending { account_id, authorization, expect } in resolution.pending {
            let Ok(account) = account_id.parse() else { return Ok(Answer::Invalid) };
            let (path, expect) = (path.clone(), Some(expect));
            turns.push_back(Turn { account, path, authorization, expect });
        }
    }
    Ok(Answer::Valid)
}

/// A full-access key's word goes before the contract's.
async fn resolve(
    node: &Node,
    chain: &str,
    turn: &Turn,
    block: &FullBlock,
) -> Result<Said, ChainError> {
    let now_ns = block.header.inner.timestamp_ns;
    let asked = Asked { chain, account: &turn.account, path: &turn.path, now_ns };
    if let Some(ByKey { key, payload }) = by_key(&turn.authorization, asked) {
        let resolved = Said::Resolved(Resolution { payload, pending: Vec::new() });
        match node.rpc.access_key(&turn.account, &key, &block.hash).await? {
            Some(Ok(_)) => return Ok(resolved),
            None => return Ok(Said::Unknown),
            // An account that is not there can be made with its key at any time.
            Some(Err(NoAccess::NoKey | NoAccess::NoAccount))
                if key.implicit_id() == turn.account
                    && node.rpc.account(&turn.account, &block.hash).await? == Some(None) =>
            {
                return Ok(resolved);
            }
            Some(Err(_)) => {}
        }
    }
    let path: Vec<&str> = turn.path.iter().map(NearId::as_str).collect();
    let args = json!({ "path": path, "authorization": turn.authorization });
    Ok(match node.rpc.view(&turn.account, "w_resolve_auth", &args, &block.hash).await? {
        None => Said::Unknown,
        Some(View::NoCode | View::Failed(_)) => Said::Refused,
        Some(View::Ran(answer)) if answer.len() > ANSWER_BYTES_MAX => Said::Refused,
        Some(View::Ran(answer)) => {
            serde_json::from_slice(&answer).map_or(Said::Refused, Said::Resolved)
        }
    })
}
