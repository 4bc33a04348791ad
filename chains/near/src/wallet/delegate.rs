//! Actions that an account signs and a relayer pays for. Sources: NEP-366; NEP-461 for the tag;
//! nearcore's `Action` for the encoding; NEP-591 (shared contracts); NEP-616 (first states).

use super::{
    access_key::Permission,
    id::NearId,
    key::{BadSignature, PublicKey, Signature},
};
use crate::wire::{CryptoHash, Malformed, Reader};

/// What begins every preimage: 2³⁰ + 366.
const TAG: u32 = (1 << 30) + 366;
/// The number of a delegated action among actions.
const DELEGATE: u8 = 8;
/// Longest encoding: the protocol's limit for a transaction.
const BYTES_MAX: usize = 1536 << 10;
/// Most actions; the protocol's limit for a receipt.
const ACTIONS_MAX: usize = 100;
/// Longest method name; the protocol's limit.
const METHOD_BYTES_MAX: usize = 256;
/// Most entries of a first state: each has a length of its own in the encoding.
const ENTRIES_MAX: usize = BYTES_MAX / 8;

/// What an account wants done. Borrows from the bytes that were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DelegateAction<'a> {
    /// Who wants it.
    pub sender_id: NearId,
    /// Of whom.
    pub receiver_id: NearId,
    /// In this order.
    pub actions: Vec<Action<'a>>,
    /// Above the last one of the key.
    pub nonce: u64,
    /// The last block in which it may be done.
    pub max_block_height: u64,
    /// Whose signature it needs.
    pub public_key: PublicKey,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action<'a> {
    /// Make the receiver.
    CreateAccount,
    /// Give the receiver code.
    DeployContract {
        /// WebAssembly.
        code: &'a [u8],
    },
    /// Call the receiver.
    FunctionCall {
        /// Which method.
        method_name: &'a str,
        /// Whatever the contract reads.
        args: &'a [u8],
        /// Most gas.
        gas: u64,
        /// In yoctoNEAR.
        deposit: u128,
    },
    /// Pay the receiver.
    Transfer {
        /// In yoctoNEAR.
        deposit: u128,
    },
    /// Stake for a validator's key.
    Stake {
        /// In yoctoNEAR.
        stake: u128,
        /// Of the validator.
        public_key: PublicKey,
    },
    /// Give the receiver a key.
    AddKey {
        /// Which.
        public_key: PublicKey,
        /// Where its nonces begin.
        nonce: u64,
        /// What it may do.
        permission: Permission<'a>,
    },
    /// Take a key from the receiver.
    DeleteKey {
        /// Which.
        public_key: PublicKey,
    },
    /// End the receiver.
    DeleteAccount {
        /// Who gets what it has.
        beneficiary_id: NearId,
    },
    /// Share code, by its hash or under the receiver's name.
    DeployGlobalContract {
        /// WebAssembly.
        code: &'a [u8],
        /// Under the name rather than the hash, so that it can change.
        by_account: bool,
    },
    /// Use shared code.
    UseGlobalContract(SharedCode),
    /// Make a contract whose id comes from its code and first state.
    DeterministicStateInit {
        /// Its code.
        code: SharedCode,
        /// Keys and values, ascending by key.
        state: Vec<(&'a [u8], &'a [u8])>,
        /// In yoctoNEAR.
        deposit: u128,
    },
}

/// Which shared code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SharedCode {
    /// Never changes.
    Hash(CryptoHash),
    /// Whatever that account shares.
    Account(NearId),
}

impl<'a> DelegateAction<'a> {
    /// Reads what is signed: the tag, then the action.
    ///
    /// # Errors
    /// [`Malformed`], also if another delegated action stands inside, or an action that came after
    /// NEP-616.
    pub fn from_preimage(preimage: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = bounded(preimage)?;
        if reader.u32()? != TAG {
            return Err(Malformed("tag of a delegated action"));
        }
        let action = Self::read(&mut reader)?;
        reader.end()?;
        Ok(action)
    }

    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let (sender_id, receiver_id) = (NearId::read(reader)?, NearId::read(reader)?);
        let count = reader.count(ACTIONS_MAX)?;
        let actions = (0..count).map(|_| Action::read(reader)).collect::<Result<_, _>>()?;
        Ok(Self {
            sender_id,
            receiver_id,
            actions,
            nonce: reader.u64()?,
            max_block_height: reader.u64()?,
            public_key: PublicKey::read(reader)?,
        })
    }
}

/// What is signed of a delegated action that stands in `preimage`, tag and all.
pub fn hash(preimage: &[u8]) -> CryptoHash {
    CryptoHash::of(preimage)
}

/// A delegated action and its signature, as a relayer gets them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedDelegateAction<'a> {
    /// What is wanted.
    pub delegate_action: DelegateAction<'a>,
    /// By its key.
    pub signature: Signature,
    body: &'a [u8],
}

impl<'a> SignedDelegateAction<'a> {
    /// Reads it from where it stands as an action of a transaction: number, action, signature.
    ///
    /// # Errors
    /// As [`DelegateAction::from_preimage`].
    pub fn from_action(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = bounded(bytes)?;
        if reader.u8()? != DELEGATE {
            return Err(Malformed("number of a delegated action"));
        }
        let begin = reader;
        let delegate_action = DelegateAction::read(&mut reader)?;
        let body = begin.before(&reader);
        let signature = Signature::read(&mut reader)?;
        reader.end()?;
        Ok(Self { delegate_action, signature, body })
    }

    /// Whether its key signed it. Whether the key may, and its nonce is new, only the chain knows.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify(&self) -> Result<(), BadSignature> {
        let hash = CryptoHash::concat(&[&TAG.to_le_bytes(), self.body]);
        self.delegate_action.public_key.verify(&hash, &self.signature)
    }
}

fn bounded(bytes: &[u8]) -> Result<Reader<'_>, Malformed> {
    if bytes.len() > BYTES_MAX { Err(Malformed("length")) } else { Ok(Reader::new(bytes)) }
}

impl<'a> Action<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok(match reader.u8()? {
            0 => Self::CreateAccount,
            1 => Self::DeployContract { code: reader.bytes(BYTES_MAX)? },
            2 => Self::FunctionCall {
                method_name: reader.text(METHOD_BYTES_MAX)?,
                args: reader.bytes(BYTES_MAX)?,
                gas: reader.u64()?,
                deposit: reader.u128()?,
            },
            3 => Self::Transfer { deposit: reader.u128()? },
            4 => Self::Stake { stake: reader.u128()?, public_key: PublicKey::read(reader)? },
            5 => Self::AddKey {
                public_key: PublicKey::read(reader)?,
                nonce: reader.u64()?,
                permission: Permission::read(reader)?,
            },
            6 => Self::DeleteKey { public_key: PublicKey::read(reader)? },
            7 => Self::DeleteAccount { beneficiary_id: NearId::read(reader)? },
            // One inside another could make a relayer pay for what nobody signed.
            DELEGATE => return Err(Malformed("action: delegated inside a delegated one")),
            9 => Self::DeployGlobalContract {
                code: reader.bytes(BYTES_MAX)?,
                by_account: match reader.u8()? {
                    0 => false,
                    1 => true,
                    _ => return Err(Malformed("way of sharing code")),
                },
            },
            10 => Self::UseGlobalContract(SharedCode::read(reader)?),
            11 => Self::read_state_init(reader)?,
            _ => return Err(Malformed("action")),
        })
    }

    fn read_state_init(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        if reader.u8()? != 0 {
            return Err(Malformed("version of a first state"));
        }
        let code = SharedCode::read(reader)?;
        let count = reader.count(ENTRIES_MAX)?;
        let mut state: Vec<(&[u8], &[u8])> = Vec::new();
        for _ in 0..count {
            let entry = (reader.bytes(BYTES_MAX)?, reader.bytes(BYTES_MAX)?);
            if state.last().is_some_and(|(last, _)| *last >= entry.0) {
                return Err(Malformed("order of a first state"));
            }
            state.push(entry);
        }
        Ok(Self::DeterministicStateInit { code, state, deposit: reader.u128()? })
    }
}

impl SharedCode {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.u8()? {
            0 => reader.hash().map(Self::Hash),
            1 => NearId::read(reader).map(Self::Account),
            _ => Err(Malformed("name of shared code")),
        }
    }
}

#[cfg(test)]
mod tests;
