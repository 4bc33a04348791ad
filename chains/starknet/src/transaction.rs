//! Transactions of version 3: what is hashed, signed and sent. Source: SNIP-8; Starknet,
//! "Transactions", v3.

use std::sync::Arc;

use chain::{AccountKey, ChainError};
use serde_json::Value;
use starknet_rs::core::types::{
    BroadcastedDeclareTransactionV3, BroadcastedInvokeTransactionV3, DataAvailabilityMode,
    FlattenedSierraClass, ResourceBounds, ResourceBoundsMapping,
};

use crate::{
    felt::{self, Felt, word},
    hash::FeltHash,
    wallet::ecdsa,
};

/// Of transactions that are only simulated, so that nobody can send them: 2^128 + 3.
const QUERY_VERSION: Felt =
    Felt::from_hex_unchecked("0x0000000000000000000000000000000100000000000000000000000000000003");

/// How much of each kind of gas may be used, and how much a unit may cost in fri.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) l1_gas: (u64, u128),
    pub(crate) l1_data_gas: (u64, u128),
    pub(crate) l2_gas: (u64, u128),
}

/// A function that an account calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invocation {
    pub(crate) to: Felt,
    pub(crate) selector: Felt,
    pub(crate) calldata: Vec<Felt>,
}

/// What a transaction does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Invoke(Invocation),
    Declare(Declaration),
}

/// A class, and the hash of what it compiles to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Declaration {
    pub(crate) class: Arc<FlattenedSierraClass>,
    pub(crate) class_hash: Felt,
    pub(crate) compiled_class_hash: Felt,
}

/// A transaction that is not signed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Transaction {
    pub(crate) sender: Felt,
    pub(crate) nonce: u64,
    pub(crate) bounds: Bounds,
    pub(crate) body: Body,
}

/// What a transaction is signed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be simulated; no block takes it.
    Query,
    /// To be sent.
    Send,
}

/// A signed transaction.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    transaction: Transaction,
    purpose: Purpose,
    signature: [Felt; 2],
    pub(crate) hash: Felt,
}

impl Bounds {
    /// What it costs at most, in fri.
    pub(crate) fn cost(&self) -> u128 {
        let part = |(amount, price): (u64, u128)| u128::from(amount).saturating_mul(price);
        part(self.l1_gas).saturating_add(part(self.l1_data_gas)).saturating_add(part(self.l2_gas))
    }

    /// A little above `before`, so that a replacement is taken, and no less than these bounds.
    pub(crate) fn above(&self, before: &Self) -> Self {
        let part = |(amount, price): (u64, u128), (was, cost): (u64, u128)| {
            (amount.max(was), price.max(cost.saturating_add(cost / 8).saturating_add(1)))
        };
        Self {
            l1_gas: part(self.l1_gas, before.l1_gas),
            l1_data_gas: part(self.l1_data_gas, before.l1_data_gas),
            l2_gas: part(self.l2_gas, before.l2_gas),
        }
    }

    fn hash(&self) -> Felt {
        let resource = |name: &[u8; 8], (amount, price): (u64, u128)| {
            let mut bytes = [0; 32];
            let (head, price_bytes) = bytes.split_at_mut(16);
            let (name_bytes, amount_bytes) = head.split_at_mut(8);
            name_bytes.copy_from_slice(name);
            amount_bytes.copy_from_slice(&amount.to_be_bytes());
            price_bytes.copy_from_slice(&price.to_be_bytes());
            Felt::from_bytes_be(&bytes)
        };
        FeltHash::Poseidon.list(&[
            Felt::ZERO, // Tip.
            resource(b"\0\0L1_GAS", self.l1_gas),
            resource(b"\0\0L2_GAS", self.l2_gas),
            resource(b"\0L1_DATA", self.l1_data_gas),
        ])
    }

    fn mapping(&self) -> ResourceBoundsMapping {
        let part =
            |(max_amount, max_price_per_unit)| ResourceBounds { max_amount, max_price_per_unit };
        ResourceBoundsMapping {
            l1_gas: part(self.l1_gas),
            l1_data_gas: part(self.l1_data_gas),
            l2_gas: part(self.l2_gas),
        }
    }
}

impl Invocation {
    /// What the account's `__execute__` is called with: one call. Source: SNIP-6.
    fn execute_calldata(&self) -> Vec<Felt> {
        let head = [Felt::ONE, self.to, self.selector, Felt::from(self.calldata.len())];
        [&head[..], &self.calldata].concat()
    }
}

impl Transaction {
    fn hash(&self, chain: &Felt, purpose: Purpose) -> Felt {
        let hash = FeltHash::Poseidon;
        let (name, content): (&[u8], Vec<Felt>) = match &self.body {
            Body::Invoke(call) => (b"invoke", vec![hash.list(&call.execute_calldata())]),
            Body::Declare(class) => (b"declare", vec![class.class_hash, class.compiled_class_hash]),
        };
        let version = match purpose {
            Purpose::Query => QUERY_VERSION,
            Purpose::Send => Felt::THREE,
        };
        let nothing = hash.list(&[]);
        let mut parts = vec![
            word(name),
            version,
            self.sender,
            self.bounds.hash(),
            nothing, // Paymaster.
            *chain,
            Felt::from(self.nonce),
            Felt::ZERO, // Data availability of nonce and fee: on L1.
            nothing,    // Deployment of the account.
        ];
        parts.extend(content);
        hash.list(&parts)
    }

    /// Signs for the chain of this name.
    ///
    /// # Errors
    /// [`ChainError::BadKey`].
    pub(crate) fn sign(
        self,
        chain: &Felt,
        key: &AccountKey,
        purpose: Purpose,
    ) -> Result<Signed, ChainError> {
        let private = felt::canonical(key.as_bytes()).ok_or(ChainError::BadKey)?;
        let hash = self.hash(chain, purpose);
        let signature = ecdsa::sign(&private, &hash).map_err(|_| ChainError::BadKey)?;
        Ok(Signed { transaction: self, purpose, signature, hash })
    }
}

impl Signed {
    pub(crate) const fn is_declaration(&self) -> bool {
        matches!(self.transaction.body, Body::Declare(_))
    }

    /// As endpoints take it.
    pub(crate) fn to_json(&self) -> Value {
        let Transaction { sender, nonce, bounds, body } = &self.transaction;
        let (sender_address, nonce) = (*sender, Felt::from(*nonce));
        let (signature, resource_bounds) = (self.signature.to_vec(), bounds.mapping());
        let is_query = self.purpose == Purpose::Query;
        let mode = DataAvailabilityMode::L1;
        let value = match body {
            Body::Invoke(call) => serde_json::to_value(BroadcastedInvokeTransactionV3 {
                sender_address,
                calldata: call.execute_calldata(),
                signature,
                nonce,
                resource_bounds,
                tip: 0,
                paymaster_data: Vec::new(),
                account_deployment_data: Vec::new(),
                nonce_data_availability_mode: mode,
                fee_data_availability_mode: mode,
                is_query,
            }),
            Body::Declare(class) => serde_json::to_value(BroadcastedDeclareTransactionV3 {
                sender_address,
                compiled_class_hash: class.compiled_class_hash,
                signature,
                nonce,
                contract_class: Arc::clone(&class.class),
                resource_bounds,
                tip: 0,
                paymaster_data: Vec::new(),
                account_deployment_data: Vec::new(),
                nonce_data_availability_mode: mode,
                fee_data_availability_mode: mode,
                is_query,
            }),
        };
        value.expect("its keys are text and its numbers are finite")
    }
}

#[cfg(test)]
mod tests;
