//! Why a chain call did not succeed.

use governance::anchor::{Code, OnChainId};
use types::{AccountId, ChainId, Hash};

use crate::{Inconsistent, Locator};

/// What lies below an error.
pub type BoxError = Box<dyn core::error::Error + Send + Sync>;

/// Why a chain call did not succeed. Nothing is half-done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// The endpoint did not answer in time, broke off, or is overloaded.
    #[error("could not reach {endpoint} for {method}")]
    Unreachable {
        /// Who should have answered.
        endpoint: String,
        /// What was asked.
        method: &'static str,
        /// What went wrong.
        source: BoxError,
    },
    /// The endpoint answered, but not what a node of the chain answers.
    #[error("{endpoint} does not answer {method} like a node of the chain")]
    BadAnswer {
        /// Who answered.
        endpoint: String,
        /// What was asked.
        method: &'static str,
        /// What is wrong with it.
        source: BoxError,
    },
    /// The endpoint refused the question itself.
    #[error("{endpoint} refused {method}")]
    EndpointRefused {
        /// Who refused.
        endpoint: String,
        /// What was asked.
        method: &'static str,
        /// What it said.
        source: BoxError,
    },
    /// The endpoint gave a value that its own proof, or the block it is about, contradicts.
    #[error("{endpoint} gave a wrong answer to {method}: {why}")]
    Lied {
        /// Who answered.
        endpoint: String,
        /// What was asked.
        method: &'static str,
        /// What contradicts it.
        why: String,
    },
    /// The endpoint serves another chain than the configuration says.
    #[error("{endpoint} serves {found}, not {expected}")]
    OtherChain {
        /// Who answered.
        endpoint: String,
        /// What was configured.
        expected: ChainId,
        /// What it serves.
        found: ChainId,
    },
    /// No contract is at the registry's address.
    #[error("there is no contract at {registry}")]
    NoRegistry {
        /// Where.
        registry: Locator,
    },
    /// The contract at the registry's address is not the registry that this node knows.
    #[error("the contract at {registry} is not the registry that this node knows")]
    OtherRegistry {
        /// Where.
        registry: Locator,
    },
    /// What the endpoint says contradicts itself, or what it said before.
    #[error("the record of {context} is inconsistent")]
    Inconsistent {
        /// Which record.
        context: OnChainId,
        /// How.
        source: Inconsistent,
    },
    /// Endpoints disagree, or too few answered.
    #[error("{agreeing} of {asked} endpoints agree about {method}, {needed} must")]
    Disagreement {
        /// What was asked.
        method: &'static str,
        /// The largest number that said the same.
        agreeing: usize,
        /// How many were asked.
        asked: usize,
        /// How many must say the same.
        needed: usize,
    },
    /// The chain has no final block yet.
    #[error("the chain has no final block yet")]
    NothingFinal,
    /// The block that the operator trusts is older than the weak subjectivity period.
    #[error("the trusted checkpoint is {age_days} days old: configure a newer one")]
    OldCheckpoint {
        /// How old.
        age_days: u64,
    },
    /// More endpoints must agree than there are.
    #[error("{needed} endpoints must agree, but there are {given}")]
    TooFewEndpoints {
        /// How many there are.
        given: usize,
        /// How many must agree.
        needed: usize,
    },
    /// The contract refused; asking again cannot help.
    #[error("the registry refused: {code}")]
    Refused {
        /// Why.
        code: Code,
    },
    /// The call failed in a way that the registry does not fail.
    #[error("the call failed on chain with unknown data {data}")]
    Failed {
        /// Hexadecimal, shortened.
        data: String,
    },
    /// The call cannot be for this record, or is out of bounds.
    #[error("the call does not fit the record: {what}")]
    BadCall {
        /// What does not fit.
        what: &'static str,
    },
    /// The account is none of this chain.
    #[error("{account} is not an account of this chain")]
    BadAccount {
        /// Which.
        account: AccountId,
    },
    /// The secret is no key of this chain.
    #[error("the account's key is not valid")]
    BadKey,
    /// The account cannot pay.
    #[error("{account} cannot pay for the transaction")]
    NoFunds {
        /// Who.
        account: AccountId,
    },
    /// Sent, but no block has it yet.
    #[error("transaction 0x{transaction} is not in a block yet")]
    NotIncluded {
        /// Which.
        transaction: Hash,
    },
}

impl ChainError {
    /// Whether the same call may succeed later.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Disagreement { .. }
            | Self::NothingFinal
            | Self::NotIncluded { .. } => true,
            // An endpoint that lags, or a reorganisation between two questions, passes.
            Self::Inconsistent { source, .. } => {
                matches!(source, Inconsistent::Behind { .. } | Inconsistent::Omitted { .. })
            }
            Self::BadAnswer { .. }
            | Self::EndpointRefused { .. }
            | Self::Lied { .. }
            | Self::OtherChain { .. }
            | Self::NoRegistry { .. }
            | Self::OtherRegistry { .. }
            | Self::OldCheckpoint { .. }
            | Self::TooFewEndpoints { .. }
            | Self::Refused { .. }
            | Self::Failed { .. }
            | Self::BadCall { .. }
            | Self::BadAccount { .. }
            | Self::BadKey
            | Self::NoFunds { .. } => false,
        }
    }
}
