//! Whether an account signed a digest, by its key or by its code. Sources: ERC-1271, ERC-6492,
//! EIP-7702.
//!
//! A contract's word needs its code to be run, which an endpoint does: enough of them must say the
//! same about the same final block. What an account is, and its key's word, is proved.

use alloy::primitives::{Address, B256, Bytes, KECCAK256_EMPTY, keccak256};
use chain::{ChainError, Claimed, Shown};
use governance::log::Answer;
use types::Hash;

use crate::{
    adapter::Ethereum,
    contract_account::{self, Answers, Judgment, Question},
    endpoint::Node,
    proof::Header,
    rpc::Simulated,
    wire,
};

/// Longest signature that is looked at. A wrapped one has the creation of an account in it.
const SIGNATURE_BYTES_MAX: usize = 16 << 10;

impl Ethereum {
    /// Whether `address` signed `digest` as of the block of `header`, and how that is known.
    pub(crate) async fn signed_under(
        &self,
        header: &Header,
        address: Address,
        digest: &Hash,
        signature: &[u8],
    ) -> Result<(Answer, Shown), ChainError> {
        if signature.len() > SIGNATURE_BYTES_MAX {
            return Ok((Answer::Invalid, Shown::Proved));
        }
        let (code, mut shown) = self.code(header, address).await?;
        let mut answers = Answers::default();
        let digest = wire::word(digest);
        // Ends: there are two questions, and each is asked once.
        loop {
            match contract_account::judge(&address, &code, &digest, signature, &answers) {
                Judgment::Signed(_) => return Ok((Answer::Valid, shown)),
                Judgment::Refused(_) => return Ok((Answer::Invalid, shown)),
                Judgment::Ask(Question::Account(call)) => {
                    let (answer, told) = self.asked(header, Some(address), &call).await?;
                    (answers.account, shown) = (Some(answer), told);
                }
                Judgment::Ask(Question::Deployed { factory, factory_calldata, call }) => {
                    let probe = probe(address, factory, &factory_calldata, &call);
                    let (answer, told) = self.asked(header, None, &probe).await?;
                    (answers.deployed, shown) = (Some(probed(&answer)), told);
                }
            }
        }
    }

    /// The code at `address`, and how it is known.
    async fn code(&self, header: &Header, address: Address) -> Result<(Bytes, Shown), ChainError> {
        self.quorum.believe("an account's code", |node| Box::pin(code(node, header, address))).await
    }

    /// What is answered to `call` by `to`, or by the code that `call` is.
    async fn asked(
        &self,
        header: &Header,
        to: Option<Address>,
        call: &Bytes,
    ) -> Result<(contract_account::Answer, Shown), ChainError> {
        let height = header.number;
        let (answer, agreeing) =
            self.quorum.agree("eth_call", |node| Box::pin(node.rpc.view(to, call, height))).await?;
        let answer = match answer {
            Simulated::Reverted(data) => contract_account::Answer { is_success: false, data },
            Simulated::Ran(data) => contract_account::Answer { is_success: true, data },
        };
        Ok((answer, self.told(agreeing)))
    }

    fn told(&self, agreeing: usize) -> Shown {
        Shown::Told { agreeing, of: self.quorum.endpoints().len() }
    }
}

/// The code at `address`; proved by its hash.
async fn code(
    node: &Node,
    header: &Header,
    address: Address,
) -> Result<Claimed<Bytes>, ChainError> {
    let proved = match node.code_hash(address, header).await? {
        Claimed::Proved(KECCAK256_EMPTY) => return Ok(Claimed::Proved(Bytes::new())),
        Claimed::Proved(code_hash) => Some(code_hash),
        Claimed::Told(_) => None,
    };
    let code = node.rpc.code(address, header.number).await?;
    match proved {
        None => Ok(Claimed::Told(code)),
        Some(code_hash) if keccak256(&code) == code_hash => Ok(Claimed::Proved(code)),
        Some(_) => Err(node.rpc.lied("eth_getCode", "the code has another hash than is proved")),
    }
}

/// The creation code of a contract that never comes to be: it has `factory` deploy the account,
/// asks that, and returns whether the call went through (a word) and the answer.
///
/// Whether the deployment went through does not matter: the account may be there already.
fn probe(account: Address, factory: Address, calldata: &Bytes, question: &Bytes) -> Bytes {
    let lens = (calldata.len(), question.len());
    let code = |at: usize| probe_code(at, account, factory, lens);
    // All numbers are pushed with a fixed width, so that the code's length does not depend on them.
    let at = code(0).len();
    [&code(at)[..], calldata, question].concat().into()
}

/// The code itself; `at` is where its data begins. Source: Yellow Paper, appendix H.
fn probe_code(
    at: usize,
    account: Address,
    factory: Address,
    (calldata_len, question_len): (usize, usize),
) -> Vec<u8> {
    const POP: u8 = 0x50;
    const CODECOPY: u8 = 0x39;
    const RETURNDATASIZE: u8 = 0x3d;
    const RETURNDATACOPY: u8 = 0x3e;
    const MSTORE: u8 = 0x52;
    const GAS: u8 = 0x5a;
    const ADD: u8 = 0x01;
    const CALL: u8 = 0xf1;
    const STATICCALL: u8 = 0xfa;
    const RETURN: u8 = 0xf3;
    let mut code = Code(Vec::with_capacity(128));
    // codecopy(0, at, len), then call(gas, factory, 0, 0, len, 0, 0)
    code.number(calldata_len).number(at).number(0).op(CODECOPY);
    code.number(0).number(0).number(calldata_len).number(0).number(0);
    code.address(factory).op(GAS).op(CALL).op(POP);
    // codecopy(0, at + len, len), then staticcall(gas, account, 0, len, 0, 0)
    code.number(question_len).number(at.saturating_add(calldata_len)).number(0).op(CODECOPY);
    code.number(0).number(0).number(question_len).number(0);
    code.address(account).op(GAS).op(STATICCALL);
    // mstore(0, success); returndatacopy(32, 0, size); return(0, 32 + size)
    code.number(0).op(MSTORE);
    code.op(RETURNDATASIZE).number(0).number(WORD).op(RETURNDATACOPY);
    code.op(RETURNDATASIZE).number(WORD).op(ADD).number(0).op(RETURN);
    code.0
}

/// Bytes in a word of the machine.
const WORD: usize = 32;

struct Code(Vec<u8>);

impl Code {
    fn op(&mut self, op: u8) -> &mut Self {
        self.0.push(op);
        self
    }

    fn number(&mut self, number: usize) -> &mut Self {
        const PUSH4: u8 = 0x63;
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        self.0.push(PUSH4);
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    fn address(&mut self, address: Address) -> &mut Self {
        const PUSH20: u8 = 0x73;
        self.0.push(PUSH20);
        self.0.extend_from_slice(address.as_slice());
        self
    }
}

/// What the account answered, in the answer of a probe.
fn probed(answer: &contract_account::Answer) -> contract_account::Answer {
    let parts = answer.data.split_first_chunk::<WORD>().filter(|_| answer.is_success);
    let Some((went_through, data)) = parts else {
        return contract_account::Answer { is_success: false, data: Bytes::new() };
    };
    let is_success = B256::from(*went_through) == B256::with_last_byte(1);
    contract_account::Answer { is_success, data: Bytes::copy_from_slice(data) }
}
